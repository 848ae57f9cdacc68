"""Subscriptions for the people that the registry names of an account: its contacts, and our manager of it.

Repeatable: who is subscribed already is left as he is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from services.notifier.handlers.subscriptions import SubscriptionDesk, Wish
from services.notifier.model.contact_wishes import ContactWish, PeoplesChannel, wishes_of
from services.notifier.model.preferences import Changes
from services.notifier.model.subscription import Subscription
from services.notifier.store import subscriptions as store
from shared.auth.principal import Principal
from shared.db.port import Database
from shared.errors import IllegalMove, InvalidInput, NotFound
from shared.ids import AccountId
from shared.registry import history
from shared.registry.model import Account

TO_MANAGERS = frozenset({"ticket.repeated", "ticket.attainment_fell", "ticket.escalated"})
"""Early warnings, and what the account's promise needs somebody above for."""


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
        return await self._subscribe(by, AccountId(by.subject), wishes_of(contacts, channels, changes))

    async def subscribe_manager(
        self, by: Principal, id: AccountId, *, channels: Sequence[PeoplesChannel]
    ) -> Subscribed:
        """Raises NotFound for an account that there is not, InvalidInput as above."""
        self._desk.require(channels)
        account = await history.entry(self._database, "account", id)
        if not isinstance(account, Account):
            raise NotFound(f"There is no account {id}.")
        wishes = wishes_of([account.manager] if account.manager else (), channels, "all")
        told = (
            replace(wish, preferences=replace(wish.preferences, events=TO_MANAGERS, managers=True)) for wish in wishes
        )
        return await self._subscribe(by, id, told)

    async def _subscribe(self, by: Principal, account: AccountId, wishes: Iterable[ContactWish]) -> Subscribed:
        there = {(s.channel, s.target) for s in await store.of_accounts(self._database, [account])}
        made: list[Subscription] = []
        left_out: list[LeftOut] = []
        for wish in wishes:
            known = (wish.channel, wish.target) in there
            done = "is subscribed already" if known else await self._make(by, account, wish=wish)
            if isinstance(done, str):
                left_out.append(LeftOut(wish, done))
            else:
                made.append(done)
        return Subscribed(made, left_out)

    async def _make(self, by: Principal, account: AccountId, *, wish: ContactWish) -> Subscription | str:
        """The subscription, or why there is none."""
        if wish.target is None:
            return "has no address in the registry" if wish.channel == "email" else "has no number in the registry"
        try:
            wanted = Wish(wish.target, wish.channel, wish.preferences)
            return (await self._desk.make(by, wanted, account=account)).subscription
        except InvalidInput as error:
            return error.errors[0].message
        except IllegalMove as error:
            return error.detail
