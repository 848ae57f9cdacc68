"""What somebody with a tracking link sees of a ticket: its steps as codes and instants, and no word that anybody wrote.

A fact that is not in `SHOWN` is not shown: notes, escalations and whatever else is added stay inside until somebody
decides otherwise.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from services.notifier.store.feed import Placed
from services.notifier.wording.names import Names
from services.notifier.wording.plain import one_line
from services.notifier.wording.sayings import MOST_NAMED
from shared.clock import from_ms, rfc3339
from shared.contracts import facts as f
from shared.contracts.event import Event
from shared.contracts.facts import Fact
from shared.tickets.expected import expected
from shared.tickets.model import Ticket
from shared.tickets.timing import figures

SHOWN: Mapping[type[Fact], tuple[str, ...]] = {
    f.FaultReported: (),
    f.OrderIssued: ("network",),
    f.OrderAccepted: ("network", "expected_restoration_at"),
    f.OrderProgressed: ("network", "stage", "expected_restoration_at"),
    f.OrderHandedOver: ("network", "to"),
    f.TicketSuspended: ("network", "reason"),
    f.TicketResumed: ("network",),
    f.RestorationPredicted: ("expected_at", "earliest_at", "latest_at"),
    f.TicketUnchanged: ("next_update_by",),
    f.ServiceRestored: ("network", "restored_at", "cause"),
    f.RestorationConfirmed: (),
    f.TicketReopened: (),
    f.TicketClosed: (),
    f.TicketCancelled: (),
    f.TicketRejected: (),
}
"""The fields that are shown of each fact: codes, area codes and instants."""


def step(event: Event) -> dict[str, Any] | None:
    """One step as it is shown; None for what is not."""
    fact = event.fact()
    fields = SHOWN.get(type(fact))
    if fields is None:
        return None
    at = getattr(fact, "occurred_at", None) or event.at
    shown = {name: _plain(value) for name in fields if (value := getattr(fact, name)) is not None}
    return {"seq": event.seq, "at": rfc3339(at), "type": event.type, "status": event.status, **shown}


def steps(events: Iterable[Event]) -> list[dict[str, Any]]:
    return [shown for event in events if (shown := step(event)) is not None]


def frame(placed: Placed) -> bytes:
    """A step as a server-sent event; nothing for what is not shown. Type and JSON hold no line break."""
    shown = step(placed.event)
    if shown is None:
        return b""
    id_line = b"" if placed.position is None else b"id: %d\n" % placed.position
    return b"%sevent: %s\ndata: %s\n\n" % (id_line, placed.event.type.encode(), orjson.dumps(shown))


def seen(t: Ticket, log: Sequence[Event], names: Names) -> dict[str, Any]:
    """`log` is complete as far as it goes; `names`: what a local network is called."""
    shown = steps(log)
    return {
        "ticket": t.id, "status": t.status, "impact": t.impact, "reported_at": rfc3339(t.reported_at),
        "updated_at": rfc3339(t.updated_at), "expected_restoration": _expected(t), "promised_at": _promised(log),
        "restored_at": _plain(t.restored_at), "closed_at": _plain(t.closed_at),
        "waiting_for": t.suspension.reason if t.suspension else None, "networks": _named(shown, names),
        "steps": shown,
    }  # fmt: skip


def _promised(log: Sequence[Event]) -> str | None:
    promise = figures(log, log[-1].at).promises.get("restore")
    return None if promise is None or promise.due_at is None else rfc3339(from_ms(promise.due_at))


def _named(shown: Iterable[Mapping[str, Any]], names: Names) -> dict[str, Any]:
    codes = {code for each in shown for field in ("network", "to") if (code := each.get(field))}
    known = ((code, found) for code in sorted(codes) if (found := names(code)))
    return {code: {"zh": _name(found.name_zh), "en": _name(found.name_en)} for code, found in known}


def _name(name: str) -> str:
    return one_line(name, most=MOST_NAMED)


def _expected(t: Ticket) -> dict[str, Any] | None:
    found = expected(t)
    if found is None:
        return None
    instants = {"at": found.at, "from": found.earliest, "to": found.latest, "overdue_since": found.overdue_since}
    return {name: _plain(instant) for name, instant in instants.items()}


def _plain(value: Any) -> Any:
    return rfc3339(value) if isinstance(value, datetime) else value
