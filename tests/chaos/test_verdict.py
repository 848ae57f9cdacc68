"""The judge itself: every promise that is broken is found, and none that is kept."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from random import Random

import aiohttp
import pytest
from standardwebhooks import Webhook

from tests.chaos.outside import chain
from tests.chaos.outside.ledger import Json, Ledger
from tests.chaos.outside.receiver import Heard, Receiver
from tests.chaos.outside.verdict import Evidence, judge
from tests.chaos.outside.world import World

TICKET, OTHER = "VT261121-7K3QM9XA", "VT261121-00000000"
ORDER = f"{TICKET}.0878"
BEGAN = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def moment(seconds: int) -> str:
    return (BEGAN + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def log_of(ticket: str, *facts: tuple[str, Json]) -> list[Json]:
    log: list[Json] = []
    previous = bytes(32)
    for seq, (type, data) in enumerate(facts, 1):
        entry: Json = {
            "id": f"{ticket}-{seq}", "ticket": ticket, "seq": seq, "at": moment(seq), "type": type,
            "actor": "account:grid", "status": "inProgress", "account": "grid", "data": data, "origin": "",
        }  # fmt: skip
        previous = chain.link(previous, entry)
        log.append({**entry, "hash": previous.hex()})
    return log


def ticket_of(log: list[Json], circuit: str, orders: list[Json]) -> Json:
    return {
        "id": log[0]["ticket"], "circuit": circuit, "status": "inProgress", "seq": len(log), "orders": orders,
        "opened_at": log[0]["at"], "closed_at": None, "awaiting_routing": None,
    }  # fmt: skip


@pytest.fixture
def evidence() -> Evidence:
    """One ticket, reported by m-1, ordered from Chuxiong, accepted by m-2; everybody was told everything."""
    log = log_of(
        TICKET,
        ("ticket.reported", {"reference": "m-1", "description": "光路中断"}),
        ("order.issued", {"order": ORDER, "network": "0878", "round": 1, "reason": "both ends"}),
        ("order.accepted", {"order": ORDER, "network": "0878", "engineer": "m-2"}),
    )
    order = {"id": ORDER, "ticket": TICKET, "network": "0878", "state": "accepted"}
    world = World({TICKET: ticket_of(log, "C-1", [order])}, {TICKET: log}, {"0878": [dict(order)]})
    world.topics = {"vrc.tickets": [entry["id"] for entry in log], "vrc.orders.0878": [log[1]["id"]]}
    ledger = Ledger("m")
    for marker in ("m-1", "m-2"):
        ledger.acknowledge(marker, TICKET)
    heard = {entry["id"]: Heard("grid", hook(entry)) for entry in log}
    return Evidence(world, ledger, heard, taken={TICKET: len(log)})


def hook(entry: Json) -> bytes:
    said = {name: value for name, value in entry.items() if name not in ("hash", "origin")}
    return json.dumps({"data": said}).encode()


def broken(evidence: Evidence) -> set[str]:
    return {promise for promise, instances in judge(evidence) if instances}


def open_another(evidence: Evidence, marker: str) -> None:
    log = log_of(OTHER, ("ticket.reported", {"reference": marker}))
    evidence.world.tickets[OTHER] = ticket_of(log, "C-1", [])
    evidence.world.logs[OTHER] = log


def order_twice(evidence: Evidence) -> None:
    log = evidence.world.logs[TICKET]
    evidence.world.logs[TICKET] = log_of(TICKET, *((e["type"], e["data"]) for e in (log[0], log[1], log[1], log[2])))


def restate(evidence: Evidence, **changes: object) -> None:
    evidence.world.tickets[TICKET].update(changes)


def topics_of(evidence: Evidence) -> dict[str, list[str]]:
    assert evidence.world.topics is not None
    return evidence.world.topics


BREAKING: list[tuple[str, Callable[[Evidence], object]]] = [
    ("lost reports and steps", lambda e: e.ledger.acknowledge("m-3", TICKET)),
    ("lost reports and steps", lambda e: e.ledger.said.update({"m-3": TICKET})),
    ("reports and steps recorded twice", lambda e: e.ledger.refuse("m-2")),
    ("reports and steps recorded twice", lambda e: open_another(e, "m-1")),
    ("duplicate tickets", lambda e: open_another(e, "m-1")),
    ("duplicate tickets", lambda e: open_another(e, "somebody else's")),
    ("duplicate orders", order_twice),
    ("duplicate orders", lambda e: e.world.tickets[TICKET]["orders"].append(e.world.tickets[TICKET]["orders"][0])),
    ("orders unlike the networks' lists", lambda e: e.world.orders["0878"].clear()),
    ("orders unlike the networks' lists", lambda e: e.world.orders["0878"][0].update(state="issued")),
    ("tickets not dispatched", lambda e: open_another(e, "m-3")),
    ("tickets not dispatched", lambda e: restate(e, status="closed")),
    ("broken hash chains", lambda e: e.world.logs[TICKET][1].update(actor="somebody else")),
    ("broken hash chains", lambda e: e.world.logs[TICKET].pop(1)),
    ("broken hash chains", lambda e: restate(e, seq=4)),
    ("webhooks never delivered", lambda e: e.heard.pop(f"{TICKET}-2")),
    ("webhooks never delivered", lambda e: e.taken.update({TICKET: 2})),
    ("wrong webhooks", lambda e: e.heard.update({f"{TICKET}-9": Heard("grid", b"{}")})),
    ("wrong webhooks", lambda e: e.heard.update({f"{TICKET}-2": Heard("bank", e.heard[f"{TICKET}-2"].body)})),
    ("wrong webhooks", lambda e: e.heard.update({f"{TICKET}-2": Heard("grid", b'{"data": {}}')})),
    ("facts missing on topics", lambda e: topics_of(e)["vrc.orders.0878"].clear()),
    ("topics out of order", lambda e: topics_of(e)["vrc.tickets"].reverse()),
    ("refusals that networks were not told", lambda e: e.world.refused.add("m-9")),
    ("changed answers", lambda e: e.seen.update({"changed answers": ["m-1"]})),
]


def test_kept_promises_are_not_called_broken(evidence: Evidence) -> None:
    assert broken(evidence) == set()


@pytest.mark.parametrize(("promise", "harm"), BREAKING)
def test_broken_promise_is_found(evidence: Evidence, promise: str, harm: Callable[[Evidence], object]) -> None:
    harm(evidence)
    assert promise in broken(evidence)


async def told(receiver: Receiver, secret: str, *seqs: int, content: str = "") -> list[int]:
    """The receiver's answers to these events of one ticket."""
    answers = []
    async with aiohttp.ClientSession() as session:
        for seq in seqs:
            id, now = f"{TICKET}-{seq}", datetime.now(UTC)
            body = json.dumps({"data": {"id": id, "ticket": TICKET, "seq": seq, "content": content}})
            headers = {"webhook-id": id, "webhook-timestamp": str(int(now.timestamp()))}
            headers["webhook-signature"] = Webhook(secret).sign(id, now, body)
            async with session.post(receiver.url("grid"), data=body, headers=headers) as response:
                answers.append(response.status)
    return answers


SECRET = "whsec_" + "A" * 32


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver(Random(1)) as running:
        running.behaves = True
        running.expect("grid", SECRET)
        yield running


async def test_webhooks_in_order_and_repeated_are_taken(receiver: Receiver) -> None:
    assert await told(receiver, SECRET, 1, 2, 1, 3) == [204] * 4
    assert (receiver.taken[TICKET], dict(receiver.broken)) == (3, {})


async def test_webhook_that_overtakes_is_noticed(receiver: Receiver) -> None:
    await told(receiver, SECRET, 1, 3)
    assert receiver.broken.keys() == {"webhooks out of order"}


async def test_webhook_with_another_signature_is_noticed(receiver: Receiver) -> None:
    assert await told(receiver, "whsec_" + "B" * 32, 1) == [400]
    assert receiver.broken.keys() == {"wrong webhooks"}


async def test_webhook_that_changes_its_content_is_noticed(receiver: Receiver) -> None:
    await told(receiver, SECRET, 1)
    await told(receiver, SECRET, 1, content="changed")
    assert receiver.broken.keys() == {"wrong webhooks"}
