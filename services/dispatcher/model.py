"""What the dispatcher and a local network may do, decided on the ticket as it stands. Pure; refusals are raised.

Each decision answers the facts to record, in order; none means there is nothing to do, which is what makes a
repeated event harmless.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, TypeVar, assert_never

from services.dispatcher.routing import Task, Unroutable, responsible, route, segments_of
from shared.clock import from_ms, rfc3339
from shared.contracts import facts as f
from shared.contracts import progress as p
from shared.errors import FieldError, IllegalMove, InvalidInput, NotFound
from shared.ids import NetworkCode, order_id
from shared.registry.model.circuit import Circuit, answers_for, scope
from shared.tickets.deadlines import restore_due_at
from shared.tickets.marks import Mark, outage
from shared.tickets.model import LIVE, TICKET_MOVES, Order, Ticket, evolve, require_order_move, require_ticket_move

T = TypeVar("T", bound=p.Progress)
CLOCKS_DIFFER, FORESEEN = timedelta(seconds=60), timedelta(days=366)
CLOCK: dict[f.SuspendReason, Literal["pending", "held"]] = {
    "customer_unavailable": "pending",
    "no_site_access": "pending",
    "customer_power": "pending",
    "customer_lan": "pending",
    "awaiting_customer_test": "pending",
    "force_majeure": "pending",
    "third_party": "held",
    "spares": "held",
    "internal": "held",
}
Known = Callable[[NetworkCode], bool]


@dataclass(frozen=True, slots=True)
class Ground:
    """What a decision knows besides the ticket: which networks exist and, where needed, its circuit; `version` is the
    registry's by which it knows."""

    known: Known
    circuit: Circuit | None = None
    version: int | None = None


def dispatch(ticket: Ticket, now: datetime, *, ground: Ground, named: bool = False) -> Sequence[f.Fact]:
    """What is due for this ticket now: route it, order again after a reopening, or stand the networks down.

    `named`: a further report names the faulty segment. The first one named counts, until a network has found it.
    """
    if ticket.is_over:
        reason: Literal["rejected", "cancelled"] = "rejected" if ticket.status == "rejected" else "cancelled"
        return stand_down(ticket, reason)
    if ticket.status == "resolved":
        return ()
    due = _routed(ticket, ground) if ticket.routed_round < ticket.round else ()
    segment = ground.circuit.segment(ticket.segment) if named and ground.circuit and ticket.segment else None
    if segment is None or ticket.fault_segment is not None:
        return due
    for fact in due:
        ticket = evolve(ticket, fact, now)
    return *due, *_to_the_fault(ticket, segment.id, ground, known_by="named by a further report", is_found=False)


def _routed(ticket: Ticket, ground: Ground) -> Sequence[f.Fact]:
    if again := [o for o in ticket.orders if o.state == "restored"]:
        return [_issued(ticket, _again(o), o.kind, ground) for o in again]
    found = route(ground.circuit, ticket.fault_segment or ticket.segment, known=ground.known)
    if isinstance(found, Unroutable):
        return (f.TicketUnroutable(found.reason, ground.version),)
    return [_issued(ticket, task, "repair", ground) for task in found]


def _to_the_fault(ticket: Ticket, segment: str, ground: Ground, *, known_by: str, is_found: bool) -> Sequence[f.Fact]:
    """The network of this segment of the circuit is ordered to repair, unless it is at that.

    Where it has left the repair, or nobody is there to be ordered, the NOC decides about what a network `is_found` to
    say, once: else two could go on for ever, each saying that it is the other's. A customer's word is not that strong.
    """
    found = route(ground.circuit, segment, known=ground.known)
    if isinstance(found, Unroutable):
        reason = found.reason
    elif _repairs(ticket, (task := found[0]).network):
        return ()
    elif not _left(ticket, task.network):
        return (_issued(ticket, replace(task, reason=f"{task.reason}; {known_by}"), "repair", ground),)
    else:
        reason = f"{task.reason}; {task.network} has left the repair"
    if not is_found or ticket.unroutable or ticket.fault_segment == segment:
        return ()
    return (f.TicketUnroutable(f"{reason}; {known_by}", ground.version),)


def stand_down(
    ticket: Ticket, reason: Literal["restored", "cancelled", "rejected", "rerouted"], *, but: NetworkCode | None = None
) -> Sequence[f.Fact]:
    return [f.OrderStoodDown(o.id, o.network, reason) for o in ticket.live_orders if o.network != but]


def route_by_hand(
    ticket: Ticket, now: datetime, *, networks: Sequence[NetworkCode], reason: str, ground: Ground
) -> Sequence[f.Fact]:
    """The NOC orders these networks; those that are at work on the repair already stay so, unless it is them alone to
    whom it leaves a ticket of its queue."""
    require_ticket_move(ticket, "route")
    for i, network in enumerate(networks):
        if not ground.known(network):
            raise InvalidInput(FieldError(f"networks.{i}", f"there is no local network {network}"))
    named = list(dict.fromkeys(networks))
    wanted = [n for n in named if not _repairs(ticket, n)] or (named if ticket.unroutable else ())
    if not wanted:
        legal = [move for move in TICKET_MOVES[ticket.status] if move != "route"]
        raise IllegalMove("All these networks have a live order on this ticket already.", legal=legal)
    fault = ticket.fault_segment
    return [_issued(ticket, _task(ground.circuit, n, reason, fault), "repair", ground) for n in wanted]


def reject(ticket: Ticket, now: datetime, *, reason: str) -> Sequence[f.Fact]:
    require_ticket_move(ticket, "reject")
    return (f.TicketRejected(reason),)


def progress(
    ticket: Ticket, now: datetime, *, network: NetworkCode, said: p.Progress, ground: Ground
) -> Sequence[f.Fact]:
    """What a local network said of its order, over whichever door. Raises NotFound, IllegalMove, InvalidInput."""
    order = ticket.order_to(network)
    if order is None:
        raise NotFound(f"Ticket {ticket.id} has no order to local network {network}.")
    require_order_move(order, p.VERB_OF[type(said)])
    if isinstance(said, p.FaultReportGiven):
        return _reported(ticket, said)
    if ticket.is_over or ticket.status == "resolved":
        raise IllegalMove(f"Ticket {ticket.id} is {ticket.status}: its orders are at an end.", legal=())
    _require_foreseeable(ticket, said, now)
    said = _as_possible(ticket, order, said, now)
    match said:
        case p.Accepted():
            return (f.OrderAccepted(order.id, network, said.engineer, said.expected_restoration_at, said.occurred_at),)
        case p.Declined():
            return _declined(ticket, order, said, ground)
        case p.Progressed():
            return _progressed(ticket, order, said, ground)
        case p.Suspended():
            return _suspended(ticket, order, said, ground)
        case p.Resumed():
            require_ticket_move(ticket, "resume")
            return (f.TicketResumed(order.id, network, said.note, said.occurred_at),)
        case p.AssistanceAsked():
            return _assistance(ticket, order, said, ground)
        case p.HandedOver():
            return _handed_over(ticket, order, said, now, ground=ground)
        case p.Restored():
            return _restored(ticket, order, said, now)
        case _:
            assert_never(said)


def _require_foreseeable(ticket: Ticket, said: p.Progress, now: datetime) -> None:
    back = said.expected_restoration_at if isinstance(said, p.Accepted | p.Progressed) else None
    if back is not None and not ticket.reported_at <= back <= now + FORESEEN:
        raise InvalidInput(FieldError("expected_restoration_at", "is before the report, or over a year ahead"))


def _as_possible(ticket: Ticket, order: Order, said: T, now: datetime) -> T:
    """With the instant it claims within what is possible: clocks differ a little, what is further out is refused."""
    claimed = p.earliest(said)
    if claimed is None:
        return said
    field = "restored_at" if isinstance(said, p.Restored) else "occurred_at"
    since, down = _not_before(ticket, order, said), outage(ticket.marks)[0]
    # A reopening is no claim, the center dates it: what is said to be from before it is moved to it, and not refused.
    known = ticket.marks[0] if since.at == down.at else since
    if claimed > now + CLOCKS_DIFFER:
        raise InvalidInput(FieldError(field, "lies in the future"))
    if claimed < from_ms(known.at) - CLOCKS_DIFFER:
        raise InvalidInput(FieldError(field, f"is before {rfc3339(from_ms(known.at))}, when {_what(known)}"))
    return replace(said, **{field: max(min(claimed, now), from_ms(since.at))})  # type: ignore[arg-type]


def _not_before(ticket: Ticket, order: Order, said: p.Progress) -> Mark:
    """What moves the clock follows what moved it last; only a restoration may be from before pauses: they came after
    the service was back."""
    match said:
        case p.Restored():
            return outage(ticket.marks)[0]
        case p.Suspended() | p.Resumed():
            return ticket.marks[-1]
        case p.Declined() | p.HandedOver() if _suspends(ticket, order):
            return ticket.marks[-1]
        case _:
            return ticket.marks[0]


def _what(mark: Mark) -> str:
    if mark.seq == 1:
        return "the fault was reported"
    return "the work went on" if mark.state == "running" and not mark.struck else "the work was suspended"


def _declined(ticket: Ticket, order: Order, said: p.Declined, ground: Ground) -> Sequence[f.Fact]:
    declined = f.OrderDeclined(order.id, order.network, said.reason, said.note, said.occurred_at)
    resumed = _resumed_if_suspended_by(ticket, order, said.occurred_at)
    others, left = _others(ticket, order), _left_undone(ticket, order, ground)
    if ticket.unroutable or (others and not left):
        return *resumed, declined
    why = f"fault known in {left}" if others else "no network is left at work"
    return *resumed, declined, f.TicketUnroutable(f"{why}; {order.network}: {said.reason}")


def _progressed(ticket: Ticket, order: Order, said: p.Progressed, ground: Ground) -> Sequence[f.Fact]:
    back, at = said.expected_restoration_at, said.occurred_at
    progressed = f.OrderProgressed(order.id, order.network, said.stage, said.note, said.segment, back, at)
    if said.segment is None:
        return (progressed,)
    _require_segment(ground.circuit, said.segment)
    found = f"found by {order.network}" + (f": {said.note}" if said.note else "")
    return progressed, *_to_the_fault(ticket, said.segment, ground, known_by=found, is_found=True)


def _suspended(ticket: Ticket, order: Order, said: p.Suspended, ground: Ground) -> Sequence[f.Fact]:
    """Waiting for the customer's LAN is our own time where the contract makes that LAN ours."""
    require_ticket_move(ticket, "suspend")
    lan_is_ours = ground.circuit is not None and answers_for(ground.circuit, "customer-lan") is not None
    clock = "held" if said.reason == "customer_lan" and lan_is_ours else CLOCK[said.reason]
    return (f.TicketSuspended(order.id, order.network, clock, said.reason, said.evidence, said.occurred_at),)


def _assistance(ticket: Ticket, order: Order, said: p.AssistanceAsked, ground: Ground) -> Sequence[f.Fact]:
    _require_other(order, said.of, ground, field="of")
    asked = f.AssistanceRequested(order.id, order.network, said.of, said.note, said.occurred_at)
    if (helper := ticket.order_to(said.of)) and helper.state in LIVE:
        return (asked,)
    note = f": {said.note}" if said.note else ""
    task = _task(ground.circuit, said.of, f"asked for assistance by {order.network}{note}")
    return asked, _issued(ticket, task, "assistance", ground)


def _handed_over(
    ticket: Ticket, order: Order, said: p.HandedOver, now: datetime, *, ground: Ground
) -> Sequence[f.Fact]:
    if said.segment is not None:
        _require_segment(ground.circuit, said.segment)
    to = said.to or (responsible(ground.circuit, said.segment) if ground.circuit and said.segment else None)
    if to is None:
        raise InvalidInput(FieldError("to", "name the network, or the faulty segment whose network it goes to"))
    _require_other(order, to, ground, field="to")
    over = f.OrderHandedOver(order.id, order.network, to, said.reason, said.segment, said.occurred_at)
    resumed = _resumed_if_suspended_by(ticket, order, said.occurred_at)
    by, left = f"handed over by {order.network}: {said.reason}", _left_undone(ticket, order, ground)
    if not _repairs(ticket, to, accepted=True):
        going_on = evolve(ticket, resumed[0], now) if resumed else ticket
        task = _task(ground.circuit, to, by, said.segment or left)
        return *resumed, over, _issued(going_on, task, "repair", ground)
    if left and said.segment in (left, None) and not ticket.unroutable:
        return *resumed, over, f.TicketUnroutable(f"fault known in {left}; {by}", ground.version)
    return *resumed, over


def _restored(ticket: Ticket, order: Order, said: p.Restored, now: datetime) -> Sequence[f.Fact]:
    require_ticket_move(ticket, "restore")
    at = said.restored_at or now
    resumed = (f.TicketResumed(order.id, order.network, occurred_at=at),) if ticket.suspension else ()
    restored = f.ServiceRestored(order.id, order.network, at, said.cause, said.remedy, said.remedy_code)
    return *resumed, restored, *stand_down(ticket, "restored", but=order.network)


def _reported(ticket: Ticket, said: p.FaultReportGiven) -> Sequence[f.Fact]:
    """What the restoration did not say of cause and remedy is owed here."""
    if ticket.restored_at is None:
        raise IllegalMove(f"Ticket {ticket.id} is {ticket.status}: nothing is restored to report on.", legal=())
    cause, code = said.cause or ticket.cause, said.remedy_code or ticket.remedy_code
    if cause is None:
        raise InvalidInput(FieldError("cause", "is required: the restoration did not say it"))
    if code is None:
        raise InvalidInput(FieldError("remedy_code", "is required: the restoration did not say it"))
    return (f.FaultReportGiven(cause, code, said.text, said.prevention),)


def _resumed_if_suspended_by(ticket: Ticket, order: Order, at: datetime | None) -> Sequence[f.Fact]:
    if _suspends(ticket, order):
        return (f.TicketResumed(order.id, order.network, "the order that suspended it has ended", at),)
    return ()


def _suspends(ticket: Ticket, order: Order) -> bool:
    return ticket.suspension is not None and ticket.suspension.order == order.id


def _require_segment(circuit: Circuit | None, segment: str) -> None:
    if circuit is None or circuit.segment(segment) is None:
        known = ", ".join(s.id for s in circuit.segments) if circuit else "none"
        raise InvalidInput(FieldError("segment", f"is not a segment of this circuit; it has {known}"))


def _require_other(order: Order, network: NetworkCode, ground: Ground, *, field: str) -> None:
    if network == order.network:
        raise InvalidInput(FieldError(field, "is the network that holds the order"))
    if not ground.known(network):
        raise InvalidInput(FieldError(field, f"there is no local network {network}"))


def _repairs(ticket: Ticket, network: NetworkCode, *, accepted: bool = False) -> bool:
    """Whether it has a live order to repair, which it has `accepted`; who only assists is ordered anew."""
    order = ticket.order_to(network)
    return bool(order and order.state in LIVE and order.kind == "repair" and (order.accepted_at or not accepted))


def _others(ticket: Ticket, order: Order) -> Sequence[Order]:
    """Who has an order to repair besides this one."""
    return [o for o in ticket.live_orders if o.network != order.network and o.kind == "repair"]


def _left_undone(ticket: Ticket, order: Order, ground: Ground) -> str | None:
    """The segment in which a network found the fault, where it is this order's to repair and nobody else's: whoever is
    at work elsewhere, the NOC is to know when it leaves."""
    fault = ticket.fault_segment
    if fault is None or order.kind != "repair":
        return None
    home = responsible(ground.circuit, fault) if ground.circuit else None
    has_it = [o.network for o in (order, *_others(ticket, order)) if o.network == home or fault in o.segments]
    return fault if has_it == [order.network] else None


def _left(ticket: Ticket, network: NetworkCode) -> bool:
    order = ticket.order_to(network)
    return order is not None and order.kind == "repair" and order.state in ("declined", "handed_over")


def _task(circuit: Circuit | None, network: NetworkCode, reason: str, segment: str | None = None) -> Task:
    own = segments_of(circuit, network) if circuit else ()
    return Task(network, (segment,) if segment else own, reason)


def _issued(ticket: Ticket, task: Task, kind: f.OrderKind, ground: Ground) -> f.OrderIssued:
    """Due as the promise stands by now; of a ticket that was just reported that is what the report says."""
    due = restore_due_at(ticket) if ticket.seq > 1 else None
    breach_at = ticket.breach_at if due is None else from_ms(due)
    return f.OrderIssued(
        order=order_id(ticket.id, task.network), network=task.network, kind=kind, reason=task.reason, tier=ticket.tier,
        segments=task.segments, round=ticket.round, circuit=ticket.circuit, breach_at=breach_at,
        impact=ticket.impact, contact=ticket.contact, reported_at=ticket.reported_at, registry_version=ground.version,
        description=ticket.description, scope=scope(ground.circuit) if ground.circuit else None,
    )  # fmt: skip


def _again(order: Order) -> Task:
    return Task(order.network, order.segments, "the restoration did not hold")
