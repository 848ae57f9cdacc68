"""Subscriptions made and ended. A secret is made here, told once, and stays out of every log."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from services.notifier.channels.webhook import targets
from services.notifier.channels.webhook.signing import new_secret
from services.notifier.model import MOST_SUBSCRIPTIONS, Subscription
from services.notifier.store import subscriptions as store
from shared.audit.trail import Act, record
from shared.auth.principal import Principal
from shared.clock import Clock
from shared.db.port import Database, Tx
from shared.errors import FieldError, IllegalMove, InvalidInput, NotFound
from shared.ids import AccountId, SubscriptionId, new_subscription_id


class SubscriptionDesk:
    """`http` and `networks`: what else than https to public addresses a webhook may use."""

    def __init__(self, database: Database, clock: Clock, *, http: bool, networks: Sequence[targets.Network]) -> None:
        self._database = database
        self._clock = clock
        self._http = http
        self._networks = networks

    async def make(self, by: Principal, url: str, events: frozenset[str]) -> Subscription:
        """Raises InvalidInput, or IllegalMove when the account has as many as it may have."""
        if objection := targets.objection(url, http=self._http, networks=self._networks):
            raise InvalidInput(FieldError("url", objection))
        account, now = AccountId(by.subject), self._clock.now()
        new = Subscription(new_subscription_id(), account, url, new_secret(), events, now)

        async def add(tx: Tx) -> None:
            await store.lock(tx, account)
            if await store.count(tx, account) >= MOST_SUBSCRIPTIONS:
                detail = f"An account has at most {MOST_SUBSCRIPTIONS} subscriptions; delete one that is not needed."
                raise IllegalMove(detail, legal=("delete",))
            await store.add(tx, new)
            # The host alone: the rest of the URL may be a secret between the two.
            details = {"host": urlsplit(url).hostname, "events": sorted(events)}
            await record(tx, Act(now, by.actor, "subscription.made", f"subscription:{new.id}", details, by.origin))

        await self._database.transact(add)
        return new

    async def end(self, by: Principal, id: SubscriptionId) -> None:
        """Raises NotFound."""
        now = self._clock.now()

        async def end(tx: Tx) -> None:
            if not await store.end(tx, id, AccountId(by.subject), now):
                raise NotFound()
            await record(tx, Act(now, by.actor, "subscription.ended", f"subscription:{id}", origin=by.origin))

        await self._database.transact(end)
