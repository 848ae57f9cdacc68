"""When a suspension may be disputed, struck out, upheld, decided on the ticket as it stands. Pure; refusals are raised.

Only what stops the clock is worth a dispute. What is struck out stays so: its figures were computed as if it never was.
It does not matter whether the ticket is over: its figures are what is at stake.
"""

from collections.abc import Sequence
from datetime import datetime

from shared.auth.principal import Principal
from shared.contracts import facts as f
from shared.errors import Forbidden, IllegalMove, NotFound
from shared.tickets.marks import Mark
from shared.tickets.model import Doubt, Ticket


def may_dispute(caller: Principal, ticket: Ticket) -> bool:
    """The customer itself, or an operator. Raises Forbidden for a parent account, which may only read."""
    if not caller.may_read(ticket.account):
        return False
    if caller.role == "account" and not caller.owns(ticket.account):
        raise Forbidden(f"This ticket is {ticket.account}'s: your key may read it, only that account's may dispute.")
    return True


def dispute(ticket: Ticket, now: datetime, *, suspension: int, reason: str) -> Sequence[f.Fact]:
    _require_stopped(ticket, suspension)
    if suspension in ticket.upheld:
        raise IllegalMove(f"The suspension of entry {suspension} was upheld by a duty manager.", legal=("strike-out",))
    if (doubt := _doubt(ticket, suspension)) and doubt.cause == "disputed":
        legal = ("strike-out", "uphold")
        raise IllegalMove(f"The suspension of entry {suspension} is disputed already.", legal=legal)
    return (f.SuspensionDisputed(suspension, reason),)


def strike_out(ticket: Ticket, now: datetime, *, suspension: int, reason: str) -> Sequence[f.Fact]:
    """Also without a dispute: a duty manager may see by himself that it was none."""
    _require_stopped(ticket, suspension)
    return (f.SuspensionStruckOut(suspension, reason),)


def uphold(ticket: Ticket, now: datetime, *, suspension: int, reason: str) -> Sequence[f.Fact]:
    _require_stopped(ticket, suspension)
    if _doubt(ticket, suspension) is None:
        legal = ("strike-out",) if suspension in ticket.upheld else ("dispute", "strike-out")
        raise IllegalMove(f"Nobody doubts the suspension of entry {suspension}.", legal=legal)
    return (f.SuspensionUpheld(suspension, reason),)


def to_decide(ticket: Ticket) -> Sequence[Doubt]:
    """What a duty manager has to decide; nothing hangs on the clock of a ticket that was cancelled or rejected."""
    return () if ticket.status in ("cancelled", "rejected") else ticket.doubts


def _doubt(ticket: Ticket, suspension: int) -> Doubt | None:
    return next((doubt for doubt in ticket.doubts if doubt.suspension == suspension), None)


def _require_stopped(ticket: Ticket, suspension: int) -> Mark:
    """The entry stopped the clock and still counts as having done so. Raises NotFound, IllegalMove."""
    mark = next((m for m in ticket.marks if m.seq == suspension and (m.struck or m.state in ("pending", "held"))), None)
    if mark is None:
        raise NotFound(f"Entry {suspension} of ticket {ticket.id} is no suspension.")
    if mark.struck:
        raise IllegalMove(f"The suspension of entry {suspension} was struck out.", legal=())
    if mark.state == "held":
        raise IllegalMove(f"The suspension of entry {suspension} stopped no clock.", legal=())
    return mark
