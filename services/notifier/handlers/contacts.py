"""Subscriptions for an account's contacts in the registry. Repeatable: who is subscribed already is left as he is."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.notifier.handlers.subscriptions import SubscriptionDesk, Wish
from services.notifier.model.contact_wishes import ContactWish, PeoplesChannel, wishes_of
from services.notifier.model.preferences import Changes
from services.notifier.model.subscription import Subscription
from services.notifier.store import subscriptions as store
from shared.auth.principal import Principal
from shared.db.port import Database
from shared.errors import IllegalMove, InvalidInput
from shared.ids import AccountId
from shared.registry import history
from shared.registry.model import Account


@dataclass(frozen=True, slots=True)
class LeftOut:
    wish: ContactWish
    because: str


@dataclass(frozen=True, slots=True)
class Subscribed:
    made: Sequence[Subscription]
    left_out: Sequence[LeftOut]


class ContactsDesk:
    def __init__(self, database: Database, desk: SubscriptionDesk) -> None:
        self._database = database
        self._desk = desk

    async def subscribe(self, by: Principal, channels: Sequence[PeoplesChannel], changes: Changes) -> Subscribed:
        """Raises InvalidInput for a channel that this center does not have."""
        self._desk.require(channels)
        account = await history.entry(self._database, "account", by.subject)
        contacts = account.contacts if isinstance(account, Account) else ()
        there = {(s.channel, s.target) for s in await store.of_accounts(self._database, [AccountId(by.subject)])}
        made: list[Subscription] = []
        left_out: list[LeftOut] = []
        for wish in wishes_of(contacts, channels, changes):
            done = "is subscribed already" if (wish.channel, wish.target) in there else await self._make(by, wish)
            if isinstance(done, str):
                left_out.append(LeftOut(wish, done))
            else:
                made.append(done)
        return Subscribed(made, left_out)

    async def _make(self, by: Principal, wish: ContactWish) -> Subscription | str:
        """The subscription, or why there is none."""
        if wish.target is None:
            return "has no address in the registry" if wish.channel == "email" else "has no number in the registry"
        try:
            return (await self._desk.make(by, Wish(wish.target, wish.channel, wish.preferences))).subscription
        except InvalidInput as error:
            return error.errors[0].message
        except IllegalMove as error:
            return error.detail
