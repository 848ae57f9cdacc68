"""Which local networks are silent, since when, and what waits there. Pure.

Three ways to be silent: an order nobody accepted in the time its tier allows; over HTTP, orders nobody looks at; over
Kafka, orders nobody says anything about. A network without live orders is never silent: it has nothing to say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.dispatcher.signs import Sign
from shared.ids import NetworkCode
from shared.tickets.targets import Policy

Door = Literal["kafka", "http"]
Reason = Literal["unaccepted", "no_look", "no_progress"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """So many live orders of one network, tier and state; the oldest issue and the first breach among them."""

    network: NetworkCode
    tier: str
    state: Literal["issued", "accepted"]
    orders: int
    oldest: datetime
    breach: datetime


@dataclass(frozen=True, slots=True)
class Silent:
    """`reasons`: each with the instant from which it holds. `unaccepted` and `live` are numbers of orders."""

    network: NetworkCode
    reasons: Mapping[Reason, datetime]
    last_sign: datetime | None
    unaccepted: int
    live: int
    next_breach: datetime

    @property
    def since(self) -> datetime:
        return min(self.reasons.values())


def silent(
    waiting: Sequence[Waiting], sign: Sign, *, door: Door | None, now: datetime, policy: Policy, after: timedelta
) -> Silent | None:
    """`waiting` is all of one network's, at least one. `door` None: not known, so any sign of life will do."""
    reasons: dict[Reason, datetime] = {}
    overdue = [w.oldest + timedelta(milliseconds=policy.of(w.tier).accept_ms) for w in waiting if w.state == "issued"]
    if overdue and min(overdue) < now:
        reasons["unaccepted"] = min(overdue)
    heard = [at for at in ((sign.looked_at if door != "kafka" else None), sign.spoke_at) if at is not None]
    quiet_since = max([min(w.oldest for w in waiting), *heard])
    if now - quiet_since > after:
        reasons["no_look" if door == "http" else "no_progress"] = quiet_since
    if not reasons:
        return None
    return Silent(
        network=waiting[0].network, reasons=reasons, last_sign=max(heard, default=None),
        unaccepted=sum(w.orders for w in waiting if w.state == "issued"), live=sum(w.orders for w in waiting),
        next_breach=min(w.breach for w in waiting),
    )  # fmt: skip
