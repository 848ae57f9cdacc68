"""The notifier, put together from what it is given: events in, streams and deliveries out.

Stopping ends the streams first, then what brings in work, then the work; what it still holds is let go, so that
whoever starts next need not wait for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from fastapi import APIRouter

from services.notifier.api.streams import stream_routes
from services.notifier.channels.port import Context
from services.notifier.channels.roster import ROSTER, open_channels
from services.notifier.channels.webhook.signing import public_keys
from services.notifier.contacts.routes import contact_routes
from services.notifier.deliveries.routes import delivery_routes
from services.notifier.document import webhooks
from services.notifier.handlers.contacts import ContactsDesk
from services.notifier.handlers.delivery import Deliveries
from services.notifier.handlers.feeding import Feeder
from services.notifier.handlers.hub import Hub
from services.notifier.handlers.late import Late
from services.notifier.handlers.lost import Lost
from services.notifier.handlers.receipts import ReceiptDesk
from services.notifier.handlers.replaying import ReplayDesk
from services.notifier.handlers.subscriptions import SubscriptionDesk
from services.notifier.handlers.trial import TrialDesk
from services.notifier.metrics import NotifierMetrics
from services.notifier.model.subscription import Subscription
from services.notifier.pipeline.stages import Readers
from services.notifier.receipts.routes import receipt_routes
from services.notifier.receipts.signature import Gatekeeper
from services.notifier.store import history, lanes, pruning, replays
from services.notifier.subscriptions.routes import subscription_routes
from services.notifier.wording.links import Links
from services.notifier.wording.names import Names
from shared import answer_link
from shared.bus.loop import consume
from shared.bus.port import Events
from shared.bus.tick import Loop
from shared.bus.wake import Wake
from shared.clock import Clock
from shared.db.port import Database
from shared.health import Health
from shared.metrics import Metrics
from shared.secrets import Secrets, Vault
from shared.settings import Settings

CLAIM_FOR, CLAIM_TIMES = timedelta(seconds=60), 4
LOOK_EVERY_S = 1.0
LATE_EVERY_S = 5.0
LOST_EVERY_S = 60.0
PRUNE_EVERY_S = 60.0
SECRETS = "subscription-secrets"
DEAD_LETTERS_KEPT = timedelta(days=30)
STOP_WITHIN_S = 3.0


class NotifierService:
    """It owns `events` from here on and closes it when it stops. `readers`: who may read an account's tickets;
    `names`: what a local network is called."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        events: Events,
        readers: Readers,
        names: Names,
        secrets: Secrets,
        settings: Settings,
        metrics: Metrics,
        health: Health,
    ) -> None:
        self._database = database
        self._clock = clock
        self._events = events
        self._settings = settings
        self._secrets = secrets
        self._health = health
        self._metrics = own = NotifierMetrics(metrics, database, clock)
        links = Links(settings.public_url, secrets.derive(answer_link.PURPOSE))
        vault = Vault(secrets.derive(SECRETS))
        channels = open_channels(Context(clock, settings, secrets, vault, names, links))
        claim_for = max(CLAIM_FOR, *(CLAIM_TIMES * channel.timeout for channel in channels.values()))
        self._deliveries = Deliveries(
            database, channels, clock, own, readers=readers, claim_for=claim_for, instance=settings.instance
        )
        self._feeder = Feeder(database, self._deliveries, clock, own, readers=readers)
        self.hub = Hub(database, own, most_of_account=settings.streams_per_account)
        absent = {name: kind.needs for name, kind in ROSTER.items() if name not in channels}
        self._desk = SubscriptionDesk(database, clock, channels, vault=vault, absent=absent)
        receipts = ReceiptDesk(database, clock, own, look=self._deliveries.look)
        self.routers: list[APIRouter] = [
            stream_routes(self.hub, database),
            subscription_routes(self._desk, database, public_keys=self._public_keys),
            delivery_routes(
                ReplayDesk(database, clock), TrialDesk(database, clock, channels, look=self._deliveries.look), database
            ),
            contact_routes(ContactsDesk(database, self._desk)),
            receipt_routes(receipts, Gatekeeper(settings.sms_receipt_secret_file, clock)),
        ]
        self.webhooks = webhooks
        self._loops: list[Loop] = []
        self._feeding: list[Loop] = []
        self._consuming: asyncio.Task[None] | None = None

    async def start(self) -> None:
        if self._database.dialect == "sqlite":  # the one process there is: claims of before are nobody's
            await self._database.transact(lambda tx: lanes.free_all(tx, self._clock.now()))
        await self._desk.seal_former_secrets()
        await self._deliveries.free_former_claims()
        self._loops = [
            self._loop("notifier-deliveries", self._deliveries.claim_due_lanes, self._deliveries.wake),
            self._loop("notifier-streams", self.hub.run_once, self.hub.wake),
            self._loop("notifier-admission", self.hub.dismiss, Wake()),
            Loop("notifier-prune", self.prune_due_feed, wake=Wake(), every_s=PRUNE_EVERY_S, pulse=None),
            Loop("notifier-history", self.prune_due_history, wake=Wake(), every_s=PRUNE_EVERY_S, pulse=None),
        ]
        if self._database.dialect == "postgresql":
            late = Late(self._database, self._feeder, self._clock, self._metrics)
            lost = Lost(self._database, self._feeder, self._clock, self._metrics)
            self._feeding = [
                Loop("notifier-late", late.feed, wake=Wake(), every_s=LATE_EVERY_S, pulse=None),
                Loop("notifier-lost", lost.feed, wake=Wake(), every_s=LOST_EVERY_S, pulse=None),
            ]
        for loop in (*self._loops, *self._feeding):
            loop.start()
        pulse = self._health.pulse("notifier-events")
        self._consuming = asyncio.create_task(consume(self._events, self._feeder.on_events, pulse), name=pulse.name)

    def end_streams(self) -> None:
        """Every stream ends now; readers come again with Last-Event-ID. To be called before listeners are closed."""
        self.hub.close()

    async def stop(self) -> None:
        self.end_streams()
        if self._consuming is not None:
            self._consuming.cancel()
            await asyncio.gather(self._consuming, return_exceptions=True)
        await asyncio.gather(*(loop.stop(STOP_WITHIN_S) for loop in self._feeding))
        await self._feeder.finish()
        self._deliveries.take_no_more()
        await asyncio.gather(*(loop.stop(STOP_WITHIN_S) for loop in self._loops))
        await self._deliveries.stop(STOP_WITHIN_S)
        await self._events.close()

    async def prune_due_feed(self) -> None:
        """Forget what is older than streams can be resumed from."""
        before = self._clock.now() - self._settings.stream_history
        while await pruning.prune(self._database, before) == pruning.AT_ONCE:
            continue

    async def prune_due_history(self) -> None:
        """Forget old attempts, dead letters that were there long enough to be replayed, and replays that are done."""
        now, kept = self._clock.now(), self._settings.delivery_history
        while await history.prune_attempts(self._database, now - kept) == history.AT_ONCE:
            continue
        await history.prune_dead(self._database, now - max(kept, DEAD_LETTERS_KEPT))
        await replays.drop_finished(self._database)

    def _public_keys(self, subscription: Subscription) -> Sequence[str]:
        if subscription.channel != "webhook":
            return ()
        return public_keys(self._secrets, subscription, self._clock.now())

    def _loop(self, name: str, work: Callable[[], Awaitable[object]], wake: Wake) -> Loop:
        return Loop(name, work, wake=wake, every_s=LOOK_EVERY_S, pulse=self._health.pulse(name))
