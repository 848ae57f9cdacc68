"""Subscriptions that fail: what is known of it, whom it is told, and when one is disabled.

Each is a transaction of its own after the attempt's record, under the subscription's lock, and decided by what stands
there then: workers of several processes may hear of failures at once, and the account is still told once.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from services.notifier.model.lane import Bump
from services.notifier.model.outcome import Delivered, GaveUp, Made, Retry, named
from services.notifier.model.retrying import most_failures
from services.notifier.model.standing import (
    GOOD,
    Failed,
    Gone,
    Heard,
    NoticeType,
    Received,
    Standing,
    Taken,
    Undelivered,
    after,
    is_news,
    is_too_long,
)
from services.notifier.model.subscription import Subscription
from services.notifier.store import attempts, lanes, notices, receipts, standings, subscriptions
from shared.audit.trail import Act, record
from shared.clock import Clock, rfc3339
from shared.db.port import Database, Tx
from shared.errors import Unavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cause:
    """What the account is told of it: why, the protocol's number, and the event that did not get through."""

    reason: str
    status: int | None
    event: str


class Troubles:
    """`look` is called when there are lanes that are due: somebody is told something, or an outage is over."""

    def __init__(self, database: Database, clock: Clock, *, look: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._look = look

    async def hear(self, subscription: Subscription, made: Made, *, failures: int, given_up: bool) -> Standing:
        """How it stands after this attempt; most change nothing."""
        if subscription.standing is GOOD and isinstance(made.attempt.outcome, Delivered):
            return GOOD
        heard = _heard(made, failures, given_up)
        if heard is None or not is_news(subscription.standing, heard, self._clock.now()):
            return subscription.standing
        try:
            cause = Cause(named(made.attempt.outcome)[1], made.attempt.status, made.events[0].id)
            standing, is_due = await self._database.transact(lambda tx: self._decide(tx, subscription, heard, cause))
        except Unavailable as error:  # the next failure says it again
            log.warning("how subscription %s stands could not be recorded: %s", subscription.id, error)
            return subscription.standing
        if is_due:
            self._look()
        return standing

    async def hear_receipt(self, tx: Tx, of: str, *, delivered: bool, event: str) -> bool:
        """In the transaction that records the receipt: neither is without the other. Whether lanes are due by it."""
        known = (await subscriptions.by_ids(tx, [of])).get(of)
        if known is None or (delivered and known.standing is GOOD):
            return False
        heard = Received() if delivered else Undelivered()
        _, is_due = await self._decide(tx, known, heard, Cause(receipts.UNDELIVERED, None, event))
        return is_due

    async def _decide(self, tx: Tx, known: Subscription, heard: Heard, cause: Cause) -> tuple[Standing, bool]:
        now = self._clock.now()
        await subscriptions.lock(tx, known.account)
        if not await standings.lock(tx, known.id):
            return known.standing, False
        found = (await subscriptions.by_ids(tx, [known.id]))[known.id]
        since, taken = found.standing.failing_since, False
        if since is not None and is_too_long(found.standing, now):
            by_receipt = found.standing.warned == "undelivered"
            taken = await (receipts.received_since if by_receipt else attempts.taken_since)(tx, known.id, since)
        verdict = after(found.standing, heard, now, taken_since=taken)
        if verdict.tell == "subscription.disabled" and (owed := await standings.owed_since(tx, known.id)):
            # Known before it was tried, and dropped with the rest: a replay since then brings all of it.
            begun = min(owed, verdict.standing.failing_since or now)
            verdict = replace(verdict, standing=replace(verdict.standing, failing_since=begun))
        if verdict.standing != found.standing:
            await standings.stand(tx, known.id, verdict.standing)
        if since is not None and verdict.standing == GOOD:  # what is owed since then need not wait out its schedule
            return GOOD, await standings.hasten(tx, known.id, now, most=most_failures(now - since))
        if verdict.tell is None:
            return verdict.standing, False
        told = await self._tell(tx, found, verdict.tell, verdict.standing, cause)
        if verdict.tell == "subscription.disabled":
            details = {"because": verdict.standing.disabled_for}
            await record(tx, Act(now, notices.ACTOR, "subscription.disabled", f"subscription:{known.id}", details))
        return verdict.standing, told

    async def _tell(self, tx: Tx, about: Subscription, type: NoticeType, standing: Standing, cause: Cause) -> bool:
        now = self._clock.now()
        receiver = urlsplit(about.target).hostname or about.target  # the rest of a URL may be a secret
        log.warning("%s: %s by %s", type, about.id, about.channel)
        data = {
            "subscription": about.id, "channel": about.channel, "receiver": receiver,
            "failing_since": standing.failing_since and rfc3339(standing.failing_since),
            "reason": cause.reason, "status": cause.status, "event": cause.event,
        }  # fmt: skip
        event = await notices.add(tx, about.account, type, data, now)
        others = await subscriptions.of_accounts(tx, [about.account])
        told = [Bump(s, event.ticket, [event]) for s in told_of(about, others)]
        await lanes.bump(tx, told, (), token="", now=now, until=now)
        return bool(told)


def told_of(about: Subscription, all_: Sequence[Subscription]) -> list[Subscription]:
    """Who is told: another channel's subscriptions that work, else others of its own channel that do."""
    working = [s for s in all_ if s.id != about.id and s.standing.state == "active"]
    elsewhere = [s for s in working if s.channel != about.channel]
    return sorted(elsewhere or working, key=lambda s: s.id)


def _heard(made: Made, failures: int, given_up: bool) -> Heard | None:
    """None: nothing was heard of the receiver."""
    match made.attempt.outcome:
        case Retry(ours=True):
            return None
        case Delivered():
            return Taken()
        case GaveUp():
            return Gone()
        case _:
            return Failed(failures, given_up)
