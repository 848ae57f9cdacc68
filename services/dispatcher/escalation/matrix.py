"""The escalation matrix: what has come due, a customer that asks, or nobody's answer leads to which level. Pure.

What is told already, and waits to be acknowledged, is not told again by something of the same level or below: it is
repeated in its own time, and then to the next level.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import get_args

from services.dispatcher.escalation.rules import EscalationRules, Last, Repeat, When
from shared.clock import to_ms
from shared.contracts import facts as f
from shared.ids import NetworkCode
from shared.tickets.deadlines import Step, restored_share
from shared.tickets.model import Ticket

LEVELS: Sequence[f.Level] = get_args(f.Level)
ROLES: dict[f.Level, str] = {"network": "duty_manager", "province": "province", "headquarters": "headquarters"}
"""Who is told of a level, by the name in the fact."""


@dataclass(frozen=True, slots=True)
class Call:
    """A level to be told, and why; `tell` besides. `times` is how often it is told of this by now."""

    level: f.Level
    cause: f.EscalationCause
    reason: str
    tell: tuple[str, ...] = ()
    networks: tuple[NetworkCode, ...] = ()
    times: int = 1
    group: str | None = None


def by_deadlines(ticket: Ticket, due: Sequence[Step], now: datetime, rules: EscalationRules) -> Sequence[f.Fact]:
    """At most one escalation. `due` is of this ticket, before any of it is recorded."""
    calls = [_call(ticket, step, when) for step in due for when in rules.escalate if _holds(ticket, step, when)]
    highest = _highest(ticket, calls)
    if any(step.kind == "escalate" for step in due):
        again = _again(ticket, rules)
        if highest is None or _rank(again.level) > _rank(highest.level):
            highest = again
    return () if highest is None else (escalated(ticket, highest, now, rules),)


def by_chase(ticket: Ticket, now: datetime, rules: EscalationRules) -> Sequence[f.Fact]:
    """At most one escalation; `ticket` is as it was before this chase."""
    number, percent = ticket.chases + 1, 100 * restored_share(ticket, to_ms(now))
    calls = [
        Call(when.level, "chase", f"the customer asks, number {number}", when.tell, at_work(ticket))
        for when in rules.chase.escalate
        if number >= (when.chases or 0) and percent >= (when.percent or 0)
    ]
    highest = _highest(ticket, calls)
    return () if highest is None else (escalated(ticket, highest, now, rules),)


def of_mass_fault(ticket: Ticket, now: datetime, *, call: Call, rules: EscalationRules) -> Sequence[f.Fact]:
    """Once a ticket, whatever else was told of it: never to a lower level than what waits for an answer."""
    if not is_alone(ticket):
        return ()
    waits = ticket.open_escalation
    level = max((call.level, waits.level), key=_rank) if waits else call.level
    return (escalated(ticket, replace(call, level=level), now, rules),)


def is_alone(ticket: Ticket) -> bool:
    """Whether it is still down, and part of no mass fault."""
    return ticket.group is None and not ticket.is_over and ticket.status != "resolved"


def at_work(ticket: Ticket) -> tuple[NetworkCode, ...]:
    """The networks whose orders it is about: those with a live one, or those that restored."""
    return tuple(o.network for o in ticket.live_orders) or tuple(
        o.network for o in ticket.orders if o.state == "restored"
    )


def escalated(ticket: Ticket, call: Call, now: datetime, rules: EscalationRules) -> f.TicketEscalated:
    """Nobody is told again and again of what is over: the service is back."""
    at = max(now, ticket.updated_at)  # a ticket's log never goes back in time
    pause = timedelta(minutes=_of(rules, call.level).again_minutes)
    return f.TicketEscalated(
        level=call.level, cause=call.cause, reason=call.reason, to=(ROLES[call.level], *call.tell), times=call.times,
        again_at=at + pause if ticket.restored_at is None else None, networks=call.networks, group=call.group,
    )  # fmt: skip


def _rank(level: f.Level) -> int:
    return LEVELS.index(level)


def _of(rules: EscalationRules, level: f.Level) -> Last:
    found: Last = getattr(rules.levels, level)
    return found


def _holds(ticket: Ticket, step: Step, when: When) -> bool:
    """Whether this rule's part of the deadline is reached with this step, and somebody could still do something."""
    reached = ticket.fired.get(step.name, 0) < when.percent <= step.percent
    meant = when.deadline == step.kind and (when.tiers is None or ticket.tier in when.tiers)
    return reached and meant and _matters(ticket, step)


def _matters(ticket: Ticket, step: Step) -> bool:
    if step.kind == "report":
        return ticket.fault_report_at is None
    if ticket.is_over or ticket.status == "resolved":
        return False
    order = ticket.order_to(step.network) if step.network else None
    return step.kind != "accept" or (order is not None and order.state == "issued")


def _call(ticket: Ticket, step: Step, when: When) -> Call:
    networks = (step.network,) if step.network else at_work(ticket)
    return Call(when.level, "breach" if step.percent == 100 else "warning", _reason(step), when.tell, networks)


def _reason(step: Step) -> str:
    what = {"accept": f"accept the order in local network {step.network}", "restore": "restore", "report": "report"}
    if step.percent == 100:
        return f"the time to {what[step.kind]} is over"
    return f"{step.percent} % of the time to {what[step.kind]} is over"


def _highest(ticket: Ticket, calls: Iterable[Call]) -> Call | None:
    """All calls of the highest level in one; None where what waits for an answer is as high."""
    waits = ticket.open_escalation
    calls = [c for c in calls if waits is None or _rank(c.level) > _rank(waits.level)]
    if not calls:
        return None
    top = max(_rank(c.level) for c in calls)
    first, *others = sorted((c for c in calls if _rank(c.level) == top), key=lambda c: c.cause != "breach")
    for other in others:
        first = _both(first, other)
    return first


def _both(one: Call, other: Call) -> Call:
    reasons = dict.fromkeys([one.reason, other.reason])
    return replace(
        one, reason="; ".join(reasons), tell=tuple(dict.fromkeys((*one.tell, *other.tell))),
        networks=tuple(dict.fromkeys((*one.networks, *other.networks))),
    )  # fmt: skip


def _again(ticket: Ticket, rules: EscalationRules) -> Call:
    """The same level once more, or the next one when it was told often enough."""
    last = ticket.open_escalation
    assert last is not None
    besides, level, times = last.to[1:], last.level, last.times + 1
    of = _of(rules, level)
    if isinstance(of, Repeat) and times > of.times:
        level, times = LEVELS[_rank(level) + 1], 1
    return Call(level, last.cause, last.reason, besides, last.networks, times, last.group)
