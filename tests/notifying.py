"""The notifier's halves on a database of their own: tickets that happen, facts fed by hand, deliveries awaited."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_network
from typing import Any, Self

from sqlalchemy import Table, select

from services.notifier.channels.port import Channel
from services.notifier.channels.webhook.channel import WebhookChannel
from services.notifier.handlers.delivery import Deliveries
from services.notifier.handlers.feeding import Feeder
from services.notifier.handlers.room import Room
from services.notifier.handlers.subscriptions import SubscriptionDesk, Wish
from services.notifier.handlers.trial import TrialDesk
from services.notifier.metrics import NotifierMetrics
from services.notifier.model.preferences import Preferences
from services.notifier.model.subscription import Subscription
from services.notifier.pipeline.stages import Readers
from services.notifier.service import SECRETS
from services.notifier.tables import dead_letters, feed, lanes
from shared.auth.principal import Principal
from shared.contracts.event import Event
from shared.contracts.facts import Fact
from shared.db.port import Database
from shared.db.statement import Query, Row
from shared.ids import AccountId, TicketId
from shared.metrics import Metrics
from shared.secrets import Secrets, Vault
from shared.settings import Settings
from shared.testing.clock import ManualClock
from shared.testing.receiver import Receiver
from shared.tickets import store as tickets
from shared.tickets.changes import Change, Changes
from tests.cases import ACCOUNT, ACTOR, new_ticket
from tests.keys import MASTER, only_its_own
from tests.registry import NETWORKS
from tests.waiting import until

CLAIM_FOR = timedelta(seconds=60)
LOOPBACK = (ip_network("127.0.0.0/8"),)
SECRET = Secrets(MASTER)
VAULT = Vault(SECRET.derive(SECRETS))
NAMES = {str(network.code): network for network in NETWORKS}.get
SETTINGS = Settings(webhook_http=True, webhook_networks=LOOPBACK)
LANES = Query(select(lanes).order_by(lanes.c.subscription, lanes.c.ticket))
DEAD = Query(select(dead_letters).order_by(dead_letters.c.seq))
FEED = Query(select(feed).order_by(feed.c.position))


class Tickets:
    """What happens to tickets, straight into the log; each call answers the new entries."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self._database = database
        self._clock = clock
        self._count = 0

    async def open(self, circuit: str | None = None) -> Event:
        return (await self._open([circuit or self._circuit()]))[0]

    async def open_many(self, count: int) -> Sequence[Event]:
        return await self._open([self._circuit() for _ in range(count)])

    async def _open(self, circuits: Sequence[str]) -> Sequence[Event]:
        new = [new_ticket(circuit=circuit, at=self._clock.now()) for circuit in circuits]
        await self._database.transact(lambda tx: tickets.open_new(tx, new))
        return [one.entry for one in new]

    def _circuit(self) -> str:
        self._count += 1
        return f"circuit-{id(self)}-{self._count}"

    async def happen(self, ticket: TicketId, *facts: Fact) -> Sequence[Event]:
        change = Change(ticket, ACTOR, lambda *_: facts)
        (changed,) = await self._database.transact(lambda tx: Changes(self._clock).run(tx, [change]))
        assert not isinstance(changed, Exception)
        return changed.entries


async def subscribe(
    database: Database,
    clock: ManualClock,
    receiver: Receiver,
    *events: str,
    account: AccountId = ACCOUNT,
    reads: Iterable[AccountId] = (),
    **wanted: Any,
) -> Subscription:
    """All events, or these; the receiver checks the signatures."""
    by = Principal("account", account, reads=frozenset(reads))
    wish = Wish(receiver.url, preferences=Preferences(events=frozenset(events), **wanted))
    made = await subscription_desk(database, clock).make(by, wish)
    receiver.secret = made.secret
    return made.subscription


def webhook_channel(clock: ManualClock, *, timeout: timedelta = timedelta(seconds=15)) -> WebhookChannel:
    return WebhookChannel(clock, SECRET, VAULT, timeout=timeout, networks=LOOPBACK, http=True)


def subscription_desk(database: Database, clock: ManualClock) -> SubscriptionDesk:
    return SubscriptionDesk(database, clock, {"webhook": webhook_channel(clock)}, vault=VAULT, absent={})


class HandFed:
    """A bus that brings what the test hands it."""

    def __init__(self) -> None:
        self._batches: asyncio.Queue[Sequence[Event]] = asyncio.Queue()

    async def bring(self, *events: Event) -> None:
        """Returns when they have taken effect."""
        await self._batches.put(events)
        await self._batches.join()

    async def poll(self) -> Sequence[Event]:
        return await self._batches.get()

    async def done(self) -> None:
        self._batches.task_done()

    async def close(self) -> None:
        return None


class Notifier:
    """One process of it: `feed` is what its bus would bring, `look` its tick."""

    def __init__(
        self,
        database: Database,
        clock: ManualClock,
        *,
        channel: Channel | None = None,
        channels: Mapping[str, Channel] | None = None,
        instance: str | None = None,
        room: Room | None = None,
        readers: Readers = only_its_own,
    ):
        self.database = database
        self.clock = clock
        self.metrics = Metrics()
        self.counts = own = NotifierMetrics(self.metrics, database, clock)
        channels = channels or {"webhook": channel or webhook_channel(clock)}
        self.deliveries = Deliveries(
            database, channels, clock, own, readers=readers, claim_for=CLAIM_FOR, instance=instance, room=room,
            jitter=lambda: 0.0,
        )  # fmt: skip
        self.feeder = Feeder(database, self.deliveries, clock, own, readers=readers)
        self.desk = SubscriptionDesk(database, clock, channels, vault=VAULT, absent={})
        self.trials = TrialDesk(database, clock, channels, look=self.deliveries.look)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.deliveries.stop(0.0)

    async def subscribe(self, receiver: Receiver, *events: str, **given: Any) -> Subscription:
        return await subscribe(self.database, self.clock, receiver, *events, **given)

    async def subscribe_by(self, channel: str, target: str, *events: str) -> Subscription:
        wish = Wish(target, channel, Preferences(events=frozenset(events)))
        return (await self.desk.make(Principal("account", ACCOUNT), wish)).subscription

    async def feed(self, *events: Event) -> None:
        await self.feeder.on_events(events)

    async def look(self, after: timedelta = timedelta(0)) -> int:
        """Let time pass and take up what is due."""
        self.clock.advance(after)
        return await self.deliveries.claim_due_lanes()

    async def settle(self) -> None:
        """Until no delivery is under way here."""
        await until(lambda: not self.deliveries.under_way)

    async def lanes(self) -> list[dict[str, Any]]:
        return _dicts(lanes, await self.database.fetch(LANES))

    async def lane(self) -> dict[str, Any]:
        (row,) = await self.lanes()
        return row

    async def dead(self) -> list[dict[str, Any]]:
        return _dicts(dead_letters, await self.database.fetch(DEAD))

    async def fed(self) -> list[tuple[str, int]]:
        return [(row["ticket"], row["seq"]) for row in await self.database.fetch(FEED)]

    def count(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


def _dicts(table: Table, rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in table.c.keys()} for row in rows]  # noqa: SIM118  a collection of columns


@asynccontextmanager
async def notifier(database: Database, clock: ManualClock, **given: Any) -> AsyncIterator[Notifier]:
    async with asyncio.timeout(60), Notifier(database, clock, **given) as running:
        yield running
