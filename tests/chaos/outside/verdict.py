"""The promises, each held against what the center says of itself and what arrived outside. Pure."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from tests.chaos.outside.chain import broken_link
from tests.chaos.outside.ledger import MARKED, Json, Ledger
from tests.chaos.outside.receiver import Heard
from tests.chaos.outside.world import World, undispatched

OVER = ("closed", "cancelled", "rejected")
moment = datetime.fromisoformat
DECIDED_WITHIN = timedelta(seconds=1)
"""A report that waits for the closing transaction of the ticket before has read the clock before that one did."""


@dataclass(slots=True)
class Evidence:
    """`heard` by webhook-id; `seen` is what broke a promise before the end, by promise; `taken` by ticket."""

    world: World
    ledger: Ledger
    heard: dict[str, Heard]
    seen: dict[str, list[str]] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)


Finding = tuple[str, list[str]]
"""A promise by name, and every instance of its breaking."""


def judge(evidence: Evidence) -> list[Finding]:
    world, ledger = evidence.world, evidence.ledger
    recorded = _recorded(world, ledger)
    found = {
        "lost reports and steps": _lost(world, ledger, recorded),
        "reports and steps recorded twice": _recorded_twice(world, ledger, recorded),
        "changed answers": iter(()),
        "duplicate tickets": _duplicate_tickets(world, ledger),
        "duplicate orders": _duplicate_orders(world),
        "orders unlike the networks' lists": _differing_orders(world),
        "tickets not dispatched": iter(undispatched(world.tickets.values())),
        "broken hash chains": _broken_chains(world),
        "refused requests": iter(()),
        "defects answered": iter(()),
        "outages that stopped intake": iter(()),
        "parts not ready at the end": iter(()),
        "webhooks never delivered": _undelivered(world, evidence),
        "webhooks out of order": iter(()),
        "wrong webhooks": _wrong_webhooks(world, evidence.heard),
    }
    if world.topics is not None:
        found["facts missing on topics"] = _unpublished(world, world.topics)
        found["topics out of order"] = _published_out_of_order(world.topics)
        found["refusals that networks were not told"] = iter(sorted(world.refused - world.told_refused))
    return [(promise, [*evidence.seen.get(promise, ()), *broken]) for promise, broken in found.items()]


def _entries(world: World) -> Iterator[Json]:
    for log in world.logs.values():
        yield from log


def _recorded(world: World, ledger: Ledger) -> Mapping[str, list[Json]]:
    """Marker → the entries it is in."""
    found: dict[str, list[Json]] = defaultdict(list)
    for entry in _entries(world):
        marker = entry["data"].get(MARKED.get(entry["type"], ""))
        if ledger.is_marker(marker):
            found[marker].append(entry)
    return found


def _lost(world: World, ledger: Ledger, recorded: Mapping[str, list[Json]]) -> Iterator[str]:
    for marker, ticket in ledger.said.items():
        if marker not in recorded and marker not in world.refused:
            yield f"{marker}, said of {ticket} over Kafka"
    for marker, ticket in ledger.acknowledged.items():
        if ticket not in (entry["ticket"] for entry in recorded.get(marker, ())):
            yield f"{marker}, acknowledged on {ticket}"


def _recorded_twice(world: World, ledger: Ledger, recorded: Mapping[str, list[Json]]) -> Iterator[str]:
    for marker, entries in recorded.items():
        if len(entries) > 1:
            yield f"{marker}: {', '.join(entry['id'] for entry in entries)}"
        if marker in ledger.refused or marker in world.refused:
            yield f"{marker}: {entries[0]['id']}, and it was refused"


def _duplicate_tickets(world: World, ledger: Ledger) -> Iterator[str]:
    """A ticket begins with a report of ours, and when the one before on its circuit is over."""
    on_circuit: dict[str, list[Json]] = defaultdict(list)
    for id, ticket in world.tickets.items():
        on_circuit[ticket["circuit"]].append(ticket)
        first = world.logs[id][0]["data"].get("reference") if world.logs[id] else None
        if not ledger.is_marker(first):
            yield f"{id} was opened by nobody"
    for circuit, tickets in on_circuit.items():
        for before, after in pairwise(sorted(tickets, key=lambda ticket: ticket["opened_at"])):
            closed_at, opened_at = before["closed_at"], after["opened_at"]
            if before["status"] not in OVER or moment(closed_at) - moment(opened_at) > DECIDED_WITHIN:
                yield f"{circuit}: {before['id']}, closed {closed_at}, and {after['id']}, opened {opened_at}"


def _duplicate_orders(world: World) -> Iterator[str]:
    ids = Counter(order["id"] for ticket in world.tickets.values() for order in ticket["orders"])
    yield from (f"{id} is on {count} tickets or twice on one" for id, count in ids.items() if count > 1)
    to_networks = Counter((t["id"], order["network"]) for t in world.tickets.values() for order in t["orders"])
    yield from (f"{ticket} has {n} orders to {code}" for (ticket, code), n in to_networks.items() if n > 1)
    issued = Counter(
        (entry["ticket"], entry["data"]["network"], entry["data"]["round"])
        for entry in _entries(world)
        if entry["type"] == "order.issued"
    )
    yield from (f"{t}: ordered {n} times from {code} in round {r}" for (t, code, r), n in issued.items() if n > 1)


def _differing_orders(world: World) -> Iterator[str]:
    in_tickets = {order["id"]: order for ticket in world.tickets.values() for order in ticket["orders"]}
    in_lists: dict[str, Json] = {}
    for network, orders in world.orders.items():
        for order in orders:
            if order["id"] in in_lists or order["network"] != network:
                yield f"{order['id']} is in the list of {network} too"
            in_lists[order["id"]] = order
    for id in in_tickets.keys() | in_lists.keys():
        ours, theirs = ([o.get(id, {}).get(n) for n in ("ticket", "state")] for o in (in_tickets, in_lists))
        if ours != theirs:
            yield f"{id}: {ours} in the ticket, {theirs} in the network's list"


def _broken_chains(world: World) -> Iterator[str]:
    for id, ticket in world.tickets.items():
        log = world.logs[id]
        if broken := broken_link(log):
            yield broken
        elif len(log) != ticket["seq"] or (log and log[-1]["status"] != ticket["status"]):
            yield f"{id}: {len(log)} entries, and the ticket says {ticket['seq']} {ticket['status']}"


def _undelivered(world: World, evidence: Evidence) -> Iterator[str]:
    """Those that arrived nowhere, and those whose sender was never told that they had."""
    for entry in _entries(world):
        if entry["id"] not in evidence.heard or entry["seq"] > evidence.taken.get(entry["ticket"], 0):
            yield entry["id"]


def _wrong_webhooks(world: World, heard: Mapping[str, Heard]) -> Iterator[str]:
    known = {entry["id"]: entry for entry in _entries(world)}
    for id, hook in heard.items():
        if (entry := known.get(id)) is None:
            yield f"{id} is in no log"
            continue
        said = {name: value for name, value in entry.items() if name not in ("hash", "origin")}
        if json.loads(hook.body)["data"] != said or hook.account != entry["account"]:
            yield f"{id}: {hook.account} was told something else than the log says"


def _unpublished(world: World, topics: Mapping[str, list[str]]) -> Iterator[str]:
    ids = {topic: set(found) for topic, found in topics.items()}
    for entry in _entries(world):
        for topic in _topics_of(entry):
            if entry["id"] not in ids.get(topic, ()):
                yield f"{entry['id']} ({entry['type']}) on {topic}"


def _topics_of(entry: Json) -> Iterator[str]:
    yield "vrc.tickets"
    match entry["type"]:
        case "order.issued" | "order.stood_down":
            yield f"vrc.orders.{entry['data']['network']}"
        case "order.handed_over":
            yield f"vrc.orders.{entry['data']['to']}"
        case "order.assistance_requested":
            yield f"vrc.orders.{entry['data']['of']}"
        case "ticket.noted" | "ticket.chased" | "ticket.escalated":
            yield from (f"vrc.orders.{network}" for network in entry["data"]["networks"])


def _published_out_of_order(topics: Mapping[str, list[str]]) -> Iterator[str]:
    """First appearances, ticket by ticket."""
    for topic, ids in topics.items():
        last: dict[str, int] = defaultdict(int)
        for id in dict.fromkeys(ids):
            ticket, _, seq = id.rpartition("-")
            if int(seq) < last[ticket]:
                yield f"{id} on {topic} after {last[ticket]}"
            last[ticket] = int(seq)
