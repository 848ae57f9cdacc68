"""The test button: one message to a subscription's receiver, now, and what came of it."""

import asyncio
import secrets
from collections.abc import Callable, Mapping

from services.notifier.channels.port import Channel, Notice
from services.notifier.handlers.troubles import Troubles
from services.notifier.model.lane import Claim
from services.notifier.model.outcome import Attempt, Delivered, Made, Retry
from services.notifier.model.standing import TEST
from services.notifier.model.subscription import Subscription
from services.notifier.store import attempts, notices, subscriptions
from shared.audit.trail import Act, record
from shared.auth.principal import Principal
from shared.auth.reading import reader_for
from shared.clock import Clock
from shared.contracts.event import Event
from shared.db.port import Database, Tx
from shared.errors import NotFound, TooManyRequests
from shared.ids import AccountId, SubscriptionId, TicketId

RUN = "test"


class TrialDesk:
    """One test at a time for each account, so that nobody floods a stranger through us.

    A test that is taken ends a series of failures, as anything does; one that is not begins none.
    """

    def __init__(
        self, database: Database, clock: Clock, channels: Mapping[str, Channel], *, look: Callable[[], None]
    ) -> None:
        self._troubles = Troubles(database, clock, look=look)
        self._database = database
        self._clock = clock
        self._channels = channels
        self._under_way: set[str] = set()

    async def test(self, by: Principal, id: SubscriptionId) -> Made:
        """Also of one that is disabled. Raises NotFound, TooManyRequests."""
        found = await subscriptions.get(reader_for(by, self._database), id, AccountId(by.subject))
        if found is None:
            raise NotFound()
        if by.subject in self._under_way:
            raise TooManyRequests("A test is under way.", retry_after_s=1)
        self._under_way.add(by.subject)
        try:
            made = await self._try(found)
        finally:
            self._under_way.discard(by.subject)
        await self._database.transact(lambda tx: self._record(tx, by, found, made))
        if isinstance(made.attempt.outcome, Delivered):
            await self._troubles.hear(found, made, failures=0, given_up=False)
        return made

    async def _try(self, subscription: Subscription) -> Made:
        log = TicketId(f"test.{secrets.token_hex(6)}")  # a name of its own: no receiver takes it for a repeat
        event = Event(log, 1, self._clock.now(), TEST, notices.ACTOR, subscription.account, "", b"{}")
        channel = self._channels.get(subscription.channel)
        started = asyncio.get_running_loop().time()
        if channel is None:
            attempt = Attempt(Retry("not_configured"))
        else:
            attempt = await channel.deliver(subscription, channel.render(Notice(subscription, [event])))
        return Made([event], attempt, asyncio.get_running_loop().time() - started)

    async def _record(self, tx: Tx, by: Principal, subscription: Subscription, made: Made) -> None:
        now, log = self._clock.now(), made.events[0].ticket
        await attempts.add(tx, [attempts.row(Claim(subscription, log, "", 0, 1, run=RUN), made, now)])
        await record(tx, Act(now, by.actor, "subscription.tested", f"subscription:{subscription.id}", origin=by.origin))
