"""Subscriptions made, changed and ended. A secret is made here, told once, and stays out of every log."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from services.notifier.channels.port import Channel
from services.notifier.model.keys import Keys
from services.notifier.model.preferences import EVERYTHING, Preferences
from services.notifier.model.standing import GOOD
from services.notifier.model.subscription import MOST_SUBSCRIPTIONS, Subscription
from services.notifier.store import standings
from services.notifier.store import subscriptions as store
from shared.audit.trail import Act, record
from shared.auth.principal import Principal
from shared.clock import Clock
from shared.db.port import Database, Tx
from shared.errors import FieldError, IllegalMove, InvalidInput, NotFound
from shared.ids import AccountId, SubscriptionId, new_subscription_id
from shared.secrets import Vault


@dataclass(frozen=True, slots=True)
class Wish:
    """What is subscribed to; `field` is the one that the target was given in."""

    target: str
    channel: str = "webhook"
    preferences: Preferences = EVERYTHING
    field: str = "target"


@dataclass(frozen=True, slots=True)
class Made:
    """`secret` is shown once, by a channel that has one."""

    subscription: Subscription
    secret: str | None = field(repr=False)


class SubscriptionDesk:
    """`absent`: channels that this center is not set up for, and what settings they need."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        channels: Mapping[str, Channel],
        *,
        vault: Vault,
        absent: Mapping[str, str],
    ) -> None:
        self._database = database
        self._clock = clock
        self._channels = channels
        self._vault = vault
        self._absent = absent

    async def make(self, by: Principal, wish: Wish, *, account: AccountId | None = None) -> Made:
        """For the caller's own account unless another is named. Raises InvalidInput, or IllegalMove when the account
        has as many as it may have."""
        channel = self._channel(wish.channel)
        if objection := channel.objection(wish.target):
            raise InvalidInput(FieldError(wish.field, objection))
        _require_readable(by, wish.preferences)
        account, now, id = account or AccountId(by.subject), self._clock.now(), new_subscription_id()
        secret = channel.new_secret()
        sealed = self._vault.seal(secret, of=id) if secret else ""
        new = Subscription(id, account, wish.channel, wish.target, wish.preferences, now, Keys(sealed))

        async def add(tx: Tx) -> Made:
            await store.lock(tx, account)
            if await store.count(tx, account) >= MOST_SUBSCRIPTIONS:
                detail = f"An account has at most {MOST_SUBSCRIPTIONS} subscriptions; delete one that is not needed."
                raise IllegalMove(detail, legal=("delete",))
            await store.add(tx, new)
            # Of a URL the host alone: the rest may be a secret between the two. Of what is no URL nothing.
            details = {"channel": new.channel, "events": sorted(new.preferences.events)}
            if host := urlsplit(new.target).hostname:
                details["host"] = host
            await record(tx, Act(now, by.actor, "subscription.made", f"subscription:{new.id}", details, by.origin))
            return Made(await _as_it_stands(tx, new), secret)

        return await self._database.transact(add)

    async def end(self, by: Principal, id: SubscriptionId) -> None:
        """Raises NotFound."""
        now = self._clock.now()

        async def end(tx: Tx) -> None:
            if not await store.end(tx, id, AccountId(by.subject), now):
                raise NotFound()
            await record(tx, Act(now, by.actor, "subscription.ended", f"subscription:{id}", origin=by.origin))

        await self._database.transact(end)

    async def change(self, by: Principal, id: SubscriptionId, changes: Mapping[str, Any]) -> Subscription:
        """`changes`: fields of Preferences, and `target`. Raises NotFound, InvalidInput.

        What waits is looked at anew: it may have waited for what is no longer wanted, or for who is no longer asked.
        """
        now = self._clock.now()

        async def change(tx: Tx) -> Subscription:
            found = await self._locked(tx, by, id)
            given = dict(changes)
            target = given.pop("target", found.target)
            if "target" in changes and (objection := self._channel(found.channel).objection(target)):
                raise InvalidInput(FieldError("target", objection))
            changed = replace(found, target=target, preferences=replace(found.preferences, **given))
            if "accounts" in changes:
                _require_readable(by, changed.preferences)
            await standings.change(tx, changed)
            await standings.wake(tx, id, now, elsewhere=changed.target != found.target)
            details = {"fields": sorted(changes)}
            await record(tx, Act(now, by.actor, "subscription.changed", f"subscription:{id}", details, by.origin))
            return await _as_it_stands(tx, changed)

        return await self._database.transact(change)

    async def rotate(self, by: Principal, id: SubscriptionId) -> Made:
        """A new secret; the one until now is good for another day. Raises NotFound, IllegalMove."""
        now = self._clock.now()

        async def rotate(tx: Tx) -> Made:
            found = await self._locked(tx, by, id)
            if (channel := self._channels.get(found.channel)) is None or (secret := channel.new_secret()) is None:
                raise IllegalMove("This subscription's channel has no secrets.", legal=())
            changed = replace(found, keys=found.keys.rotated(self._vault.seal(secret, of=id), now))
            await standings.change(tx, changed)
            await record(tx, Act(now, by.actor, "subscription.secret_rotated", f"subscription:{id}", origin=by.origin))
            return Made(changed, secret)

        return await self._database.transact(rotate)

    async def enable(self, by: Principal, id: SubscriptionId) -> Subscription:
        """It gets what happens from now on; what it missed can be replayed. Raises NotFound, IllegalMove."""
        now = self._clock.now()

        async def enable(tx: Tx) -> Subscription:
            found = await self._locked(tx, by, id)
            if found.standing.disabled_at is None:
                raise IllegalMove("The subscription is not disabled.", legal=())
            await standings.stand(tx, id, GOOD)
            await record(tx, Act(now, by.actor, "subscription.enabled", f"subscription:{id}", origin=by.origin))
            return await _as_it_stands(tx, found)

        return await self._database.transact(enable)

    async def _locked(self, tx: Tx, by: Principal, id: SubscriptionId) -> Subscription:
        """The caller's own, and nobody changes it until the commit. Raises NotFound."""
        account = AccountId(by.subject)
        await store.lock(tx, account)
        if not await standings.lock(tx, id) or (found := await store.get(tx, id, account)) is None:
            raise NotFound()
        return found

    async def seal_former_secrets(self) -> None:
        """Those of before secrets were sealed; repeatable, and by several processes at once."""

        async def seal(tx: Tx) -> None:
            for id, plain in await store.plain_secrets(tx):
                await store.seal(tx, id, plain, self._vault.seal(plain, of=id))

        await self._database.transact(seal)

    def require(self, channels: Iterable[str]) -> None:
        """Raises InvalidInput for one that this center does not have."""
        for name in channels:
            self._channel(name)

    def _channel(self, name: str) -> Channel:
        if (found := self._channels.get(name)) is not None:
            return found
        if needs := self._absent.get(name):
            detail = f"{name} is not set up in this center: its operator has to set {needs}"
            raise InvalidInput(FieldError("channel", detail))
        raise InvalidInput(FieldError("channel", f"is none of {', '.join((*self._channels, *self._absent))}"))


async def _as_it_stands(tx: Tx, subscription: Subscription) -> Subscription:
    """Beside the account's others."""
    return await store.get(tx, subscription.id, subscription.account) or subscription


def _require_readable(by: Principal, preferences: Preferences) -> None:
    """Another account's events are for those alone that may read its tickets. Raises InvalidInput."""
    for account in sorted(preferences.accounts):
        if not by.may_read(account):
            raise InvalidInput(FieldError("accounts", f"{account} is no account whose tickets you may read"))
