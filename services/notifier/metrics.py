"""The notifier's metrics: what went into the feed, attempts by outcome, and what is due as the record has it."""

from functools import cache
from typing import Literal

from prometheus_client import Counter, Histogram

from services.notifier.model.outcome import Outcome, named
from services.notifier.store import lanes, standings
from shared.clock import Clock
from shared.db.port import Database
from shared.metrics import Metrics

ATTEMPT_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)


class NotifierMetrics:
    def __init__(self, metrics: Metrics, database: Database, clock: Clock) -> None:
        self._fed = metrics.counter("vrc_feed_events_total", "Events that went into the feed.")
        self._overlooked = metrics.counter(
            "vrc_feed_overlooked_total", "Events that went into the feed without the bus, which was late or lost them."
        )
        self._attempts = metrics.counter(
            "vrc_delivery_attempts_total",
            "Attempts by channel, outcome and its reason.",
            ("channel", "outcome", "reason"),
        )
        self._seconds = metrics.histogram(
            "vrc_delivery_attempt_seconds", "How long an attempt took.", ("channel",), buckets_s=ATTEMPT_BUCKETS_S
        )
        self._children = cache(self._find_children)  # finding them takes as long as counting four times
        self._stale = metrics.counter(
            "vrc_delivery_stale_records_total", "Attempts whose claim had run out before they were recorded."
        )
        self.streams = metrics.gauge("vrc_streams_open", "Live streams that are open.")
        self.stream_refused = metrics.refusals.labels("streams").inc
        self._due = metrics.gauge("vrc_delivery_lanes_due", "Lanes (one ticket of one subscription) that are due.")
        self._trouble = metrics.gauge(
            "vrc_subscriptions_in_trouble", "Subscriptions to which nothing gets through.", ("channel", "state")
        )
        self._receipts = metrics.counter(
            "vrc_sms_receipts_total", "What the gateway said of messages that it had taken.", ("state",)
        )
        self._database = database
        self._clock = clock
        metrics.from_record(self._count_due)

    def fed(self, events: int) -> None:
        self._fed.inc(events)

    def fed_without_bus(self, events: int) -> None:
        self._overlooked.inc(events)

    def attempted(self, channel: str, outcome: Outcome, seconds: float) -> None:
        counted, timed = self._children(channel, *named(outcome))
        counted.inc()
        timed.observe(seconds)

    def _find_children(self, channel: str, outcome: str, reason: str) -> tuple[Counter, Histogram]:
        return self._attempts.labels(channel, outcome, reason), self._seconds.labels(channel)

    def receipt(self, state: Literal["delivered", "failed"]) -> None:
        self._receipts.labels(state).inc()

    def stale(self) -> None:
        self._stale.inc()

    async def _count_due(self) -> None:
        self._due.set(await lanes.count_due(self._database, self._clock.now()))
        self._trouble.clear()
        for (channel, state), count in (await standings.in_trouble(self._database)).items():
            self._trouble.labels(channel, state).set(count)
