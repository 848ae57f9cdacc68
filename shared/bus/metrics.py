"""How things move: what each consumer has before it, how long each loop has been silent, what the relay has published
and the age of the oldest fact it has not."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import select

from shared.bus.port import Events, Inbound
from shared.clock import Clock, to_ms
from shared.db.port import Database
from shared.db.schema import outbox
from shared.db.statement import Query
from shared.health import Health
from shared.metrics import Metrics
from shared.tickets.tables import ticket_log

if TYPE_CHECKING:
    from shared.bus.relay import Relay  # and with it PostgreSQL's driver, which the embedded center does without

OLDEST = Query(
    select(ticket_log.c.at)
    .join(outbox, (outbox.c.ticket == ticket_log.c.ticket) & (outbox.c.seq == ticket_log.c.seq))
    .order_by(outbox.c.position)
    .limit(1)
)


class BusMetrics(Collector):
    """`consumers` by name. A consumer whose place is not known is not shown."""

    def __init__(self, metrics: Metrics, health: Health, consumers: Mapping[str, Events | Inbound]) -> None:
        self._health = health
        self._consumers = consumers
        self._behind: Mapping[str, int | None] = {}
        metrics.registry.register(self)
        metrics.from_record(self._ask)

    async def _ask(self) -> None:
        found = await asyncio.gather(*(consumer.behind() for consumer in self._consumers.values()))
        self._behind = dict(zip(self._consumers, found, strict=True))

    def collect(self) -> Iterable[Metric]:
        lag = GaugeMetricFamily(
            "vrc_consumer_lag_events", "Facts or messages that have not taken effect.", labels=("consumer",)
        )
        for name, behind in self._behind.items():
            if behind is not None:
                lag.add_metric((name,), behind)
        yield lag
        silent = GaugeMetricFamily("vrc_loop_silent_seconds", "Since a loop last got round.", labels=("loop",))
        for pulse in self._health.pulses:
            silent.add_metric((pulse.name,), pulse.silent_s)
        yield silent


class RelayMetrics(Collector):
    """The age is the record's: the same from every process, whoever leads."""

    def __init__(self, metrics: Metrics, relay: "Relay", database: Database, clock: Clock) -> None:
        self._relay = relay
        self._database = database
        self._clock = clock
        self._age_s = 0.0
        metrics.registry.register(self)
        metrics.from_record(self._look)

    async def _look(self) -> None:
        rows = await self._database.fetch(OLDEST)
        self._age_s = max((to_ms(self._clock.now()) - rows[0]["at"]) / 1000, 0.0) if rows else 0.0

    def collect(self) -> Iterable[Metric]:
        yield CounterMetricFamily(
            "vrc_relay_published", "Facts published and acknowledged by the broker.", value=self._relay.published
        )
        yield GaugeMetricFamily("vrc_relay_leads", "1 where the relay leads.", value=self._relay.leads)
        yield GaugeMetricFamily(
            "vrc_relay_age_seconds", "Age of the oldest fact that is not published.", value=self._age_s
        )
