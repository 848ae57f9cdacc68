"""Satisfaction as the record has it: open cases, and what customers said of the tickets closed in the last 30 days.

What they said is counted anew every five minutes: it reads all that was closed in the time, and a scrape should not.
"""

from datetime import datetime, timedelta
from typing import get_args

from services.dispatcher.follow_up import store
from shared.clock import Clock, to_ms
from shared.db.port import Database
from shared.metrics import Metrics

SPAN = timedelta(days=30)
EVERY = timedelta(minutes=5)
ANSWERS = ("satisfied", "dissatisfied", "unanswered", "asked", "not_asked")


class FollowUpMetrics:
    def __init__(self, metrics: Metrics, database: Database, clock: Clock) -> None:
        self._cases = metrics.gauge("vrc_follow_up_cases", "Open cases of dissatisfied customers.", ("owner",))
        self._late = metrics.gauge("vrc_follow_up_cases_late", "Of these, those past their deadline.", ("owner",))
        text = "Tickets closed in the last 30 days by what their customers answered, by {}."
        self._answers = {
            by: metrics.gauge(f"vrc_satisfaction_{by}_tickets", text.format(by), (by, "answer"))
            for by in get_args(store.By)
        }
        self._database = database
        self._clock = clock
        self._summed_at: datetime | None = None
        metrics.from_record(self._count)

    async def _count(self) -> None:
        now = self._clock.now()
        for gauge in (self._cases, self._late):
            gauge.clear()
        for row in await self._database.fetch(store.OPEN_CASES, now=to_ms(now)):
            self._cases.labels(row["owner"]).set(row["n"])
            self._late.labels(row["owner"]).set(row["late"])
        if self._summed_at is None or abs(now - self._summed_at) >= EVERY:
            await self._sum_up(now)
            self._summed_at = now

    async def _sum_up(self, now: datetime) -> None:
        for by, gauge in self._answers.items():
            found = await store.summary(self._database, by, since=now - SPAN, until=now + SPAN)
            gauge.clear()
            for tally in found:
                for answer in ANSWERS:
                    gauge.labels(tally.group or "none", answer).set(getattr(tally, answer))
