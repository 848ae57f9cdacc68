"""What no program should send is recorded, and the loop goes on."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from shared.contracts import facts
from shared.contracts.envelope import Message, binary_headers
from shared.contracts.topics import TICKETS
from tests.cases import reported
from tests.centers import House
from tests.registry import BEIJING, CHUXIONG, FAR
from tests.waiting import until
from tests.wire import Wire, progress, raw

ORDER = "VT261121-7K3QM9XA.0878"
Headers = list[tuple[str, Any]]


def headers(id: str, **changes: Any) -> Headers:
    given = {"id": id, "type": "vrc.progress.accepted.v1", "source": "/networks/0878", "subject": ORDER}
    return list(binary_headers(**given | {"time": "2026-11-21T08:00:00Z"} | changes))


def body(**fields: Any) -> bytes:
    return orjson.dumps({"order": ORDER, **fields})


def without(name: str, *instead: tuple[str, Any]) -> Headers:
    return [(n, value) for n, value in headers("id") if n != name] + list(instead)


BROKEN: Sequence[tuple[str, bytes, Headers]] = (
    ("no JSON", b'{"order": ', headers("1")),
    ("broken UTF-8", b'{"order": "\xff"}', headers("2")),
    ("not an object", b"[]", headers("3")),
    ("no value at all", b"", headers("4")),
    ("no order", b"{}", headers("5")),
    ("an order that is a number", b'{"order": 7}', headers("6")),
    ("an order that is none", b'{"order": "0878"}', headers("7")),
    ("an order that nobody has", body(), headers("8")),
    ("unknown field", body(colour="red"), headers("9")),
    ("unknown type", body(), headers("10", type="vrc.progress.exploded.v1")),
    ("type without its family", body(), headers("11", type="accepted")),
    ("next version of a type", body(), headers("12", type="vrc.progress.accepted.v2")),
    ("no headers", body(engineer="13"), []),
    ("no id", body(engineer="14"), without("ce_id")),
    ("no type", body(), without("ce_type", ("ce_id", b"15"))),
    ("no source", body(), without("ce_source", ("ce_id", b"16"))),
    ("other CloudEvents", body(), without("ce_specversion", ("ce_specversion", b"0.3"), ("ce_id", b"17"))),
    ("header without value", body(engineer="18"), without("ce_id", ("ce_id", None))),
    ("header that is not UTF-8", body(), without("ce_id", ("ce_id", b"\xff\xfe"))),
    ("NUL in the id", body(), headers("20\x00")),
    ("NUL in a name", b'{"order": "%s", "\\u0000": 1}' % ORDER.encode(), headers("21")),
    ("NUL in a text", body(engineer="\x00"), headers("22")),
    ("NUL as a name given twice", b'{"\\u0000": 1, "\\u0000": 2}', headers("23")),
    ("lone surrogate", b'{"order": "%s", "engineer": "\\ud800"}' % ORDER.encode(), headers("24")),
    ("huge number", b'{"order": %s}' % (b"9" * 5000), headers("25")),
    ("deep nesting", b"[" * 50_000, headers("26")),
    ("endless id", body(), headers("27" * 5_000)),
    ("NUL itself", b'{"order": "\x00"}', headers("28")),
)


async def test_broken_message_is_recorded_and_the_next_one_is_taken(
    production: House, wire: Wire, subtests: pytest.Subtests
) -> None:
    ticket = await production.accepted(FAR, CHUXIONG, BEIJING)
    for what, value, head in BROKEN:
        before = len(await production.operator.refused())
        with subtests.test(what):
            good = progress(CHUXIONG, "progressed", f"{ticket}.{CHUXIONG}", stage="testing", note=what)
            await wire.publish(raw(CHUXIONG, value, head), good)
            await until(lambda what=what: _is_noted(production, ticket, what))
            await until(lambda before=before: _is_recorded(production, after=before))


async def _is_recorded(center: House, *, after: int) -> bool:
    recorded = await center.operator.refused()
    return len(recorded) == after + 1 and all(r["network"] == CHUXIONG and r["reason"] for r in recorded)


@pytest.mark.parametrize("value", [b"{", b"[]", b"{}", b'{"circuit": 7}', b"", facts.encode(reported())])
async def test_record_on_the_tickets_topic_about_no_ticket_of_ours_is_passed_over(
    production: House, wire: Wire, value: bytes
) -> None:
    fact = headers("x", type="vrc.ticket.reported.v1", subject="VT261121-7K3QM9XA", seq="1", actor="a", account="b")
    await wire.publish(Message(TICKETS, b"VT261121-7K3QM9XA", value, [*fact, ("ce_status", b"acknowledged")]))
    await production.report(FAR, CHUXIONG, BEIJING)
    await production.all_heard()


async def _is_noted(center: House, ticket: str, what: str) -> bool:
    return (await center.operator.log(ticket))[-1]["data"].get("note") == what
