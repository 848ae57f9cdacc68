"""Twenty key accounts, each with a circuit, a ticket, a subscription, and a word that nobody else may ever see.

The word stands in everything that is a tenant's own but in no id: whoever else receives it was told too much.
"""

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from shared.auth import store
from shared.auth.keys import IssuedKey
from shared.db.port import Tx
from shared.ids import AccountId, CircuitId, NetworkCode
from shared.registry.model import Account, Circuit, End, Segment
from shared.registry.writing import Author, put
from shared.testing.clock import START
from shared.testing.receiver import Receiver
from tests.centers import House
from tests.keys import issued, save
from tests.people import Caller, Customer, done
from tests.registry import BEIJING, CHUXIONG, KUNMING, SHANGHAI, XIAN

COUNT = 20
AT_WORK = (BEIJING, SHANGHAI, XIAN, KUNMING, CHUXIONG)
"""Each circuit lies between two of these; no other network may know of its ticket."""
CANARY = re.compile(r"canary(\d\d)bird")


@dataclass(slots=True)
class Tenant:
    number: int
    house: House
    receiver: Receiver
    key: IssuedKey = field(init=False)
    revoked: IssuedKey = field(init=False)
    ticket: str = ""
    subscription: str = ""
    link: str = ""
    token: str = ""
    revoked_token: str = ""

    def __post_init__(self) -> None:
        self.key, self.revoked = (issued("account", self.id) for _ in range(2))

    @property
    def id(self) -> AccountId:
        return AccountId(f"tenant-{self.number:02d}")

    @property
    def circuit(self) -> CircuitId:
        return CircuitId(f"T-{self.number:02d}")

    @property
    def canary(self) -> str:
        return f"canary{self.number:02d}bird"

    @property
    def networks(self) -> Sequence[NetworkCode]:
        """Those ordered, the A-end's first."""
        return AT_WORK[self.number % len(AT_WORK)], AT_WORK[(self.number + 1) % len(AT_WORK)]

    @property
    def names(self) -> tuple[str, ...]:
        """The ids of what is its own."""
        return self.id, self.circuit, self.ticket, self.subscription, self.key.id, self.link

    @property
    def customer(self) -> Customer:
        return Customer(self.house.http, self.key.key)

    @property
    def visitor(self) -> Caller:
        """Somebody who has a link to its ticket."""
        return Caller(self.house.http, self.token)

    def account(self) -> Account:
        return Account(self.id, f"{self.canary}银行", f"{self.canary} bank", "finance", "gold")

    def line(self) -> Circuit:
        (a, z), word = self.networks, self.canary
        segments = (Segment(f"a-{word}", "access", "a", a), Segment(f"z-{word}", "access", "z", z))
        ends = End(a, f"{word} head office"), End(z, f"{word} branch")
        return Circuit(self.circuit, self.id, "ip-vpn", 100, False, *ends, segments)

    async def live(self) -> None:
        """A report that is being worked on, with every field a customer may fill in; webhooks of all of it."""
        word = self.canary
        made = await self.customer.post("/v1/subscriptions", {"url": f"{self.receiver.url}/{word}"})
        self.subscription = done(made)["id"]
        self.ticket = await self.customer.report(
            self.circuit, description=f"{word} is silent", reference=word, contact={"name": word, "phone": word}
        )
        await self.house.ordered(self.ticket, *self.networks)
        await self.customer.note(self.ticket, f"{word} sings no more")
        self.link, self.token = await self._give_link()
        revoked, self.revoked_token = await self._give_link()
        assert (await self.customer.send("DELETE", f"/v1/links/{revoked}")).status_code == 204
        for code in self.networks:
            await self.house.network(code).accept(self.ticket)
            await self.house.network(code).progress(self.ticket, "on_site", note=f"{word} is being looked after")

    async def state(self) -> object:
        """Everything of it that anybody could have changed."""
        mine = self.customer
        lists = [await mine.items(path) for path in ("/v1/subscriptions", f"/v1/tickets/{self.ticket}/links")]
        return [await mine.ticket(self.ticket), await mine.log(self.ticket), *lists]

    async def _give_link(self) -> tuple[str, str]:
        """Id and token of a new one."""
        word = self.canary
        contact = {"name": word, "phone": word, "email": f"{word}@customer.example"}
        given = {"label": f"{word}'s branch", "contact": contact}
        made = done(await self.customer.post(f"/v1/tickets/{self.ticket}/links", given))
        return made["id"], made["token"]


@asynccontextmanager
async def tenants(house: House) -> AsyncIterator[list[Tenant]]:
    async with AsyncExitStack() as stack:
        found = [Tenant(n, house, await stack.enter_async_context(Receiver())) for n in range(COUNT)]

        async def settle_in(tx: Tx) -> None:
            await put(tx, [t.account() for t in found], (), [t.line() for t in found], by=Author("operator:noc", START))
            await save(tx, [key for t in found for key in (t.key, t.revoked)])
            for tenant in found:
                await store.revoke(tx, tenant.revoked.id, START)

        await house.center.database.transact(settle_in)
        await house.center.follower.refresh()
        for tenant in found:
            await tenant.live()
        yield found


def canaries(text: str) -> set[int]:
    """The numbers of the tenants whose word is in it."""
    return {int(number) for number in CANARY.findall(text)}


def named(text: str, tenants: Iterable[Tenant]) -> set[str]:
    """Which of these tenants' ids are in it."""
    return {name for tenant in tenants for name in tenant.names if name in text}
