"""What the predictions rest on, read from the measures into memory now and then, and how well they have held.

The newest restorations of a year and what is open now, and no more of them than there is use for: reading them costs
the same however many tickets are on record. A process that has just begun knows nothing for a moment, and says nothing.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, get_args

from sqlalchemy import BigInteger, Text, bindparam, select, tuple_

from services.dispatcher.measures.tables import measures
from services.dispatcher.prediction.history import Case, History
from shared.clock import Clock, to_ms
from shared.db.port import Database
from shared.db.statement import Query, Row
from shared.ids import NetworkCode
from shared.metrics import Metrics
from shared.tickets.tables import tickets

EVERY, REMEMBERED = timedelta(minutes=10), timedelta(days=365)
MOST, PAGE = 100_000, 500
Held = Literal["early", "inside", "late"]
m = measures.c
NEWEST = Query(
    select(
        m.ticket, m.network, m.segment_kind, m.impact, m.cause, m.pending, m.reported_at, m.restored_at,
        m.foretold_basis, m.foretold_from, m.foretold_to,
    )
    .where(
        m.restored_at.is_not(None),
        m.restored_at >= bindparam("since", type_=BigInteger()),
        tuple_(m.restored_at, m.ticket) < tuple_(bindparam("at", type_=BigInteger()), bindparam("id", type_=Text())),
    )
    .order_by(m.restored_at.desc(), m.ticket.desc())
    .limit(bindparam("most"))
)  # fmt: skip
OPEN = Query(
    select(tickets.c.circuit, m.network, m.segment_kind, m.impact, m.cause, m.pending, m.reported_at)
    .join(measures, m.ticket == tickets.c.id)
    .where(tickets.c.over_at.is_(None), tickets.c.circuit > bindparam("after", type_=Text()), m.restored_at.is_(None))
    .order_by(tickets.c.circuit)
    .limit(bindparam("most"))
)
BEGINNING = (2**62, "")


class Learning:
    """`history` is what was read last. `held`: of the restorations that were foretold, how many came before, within and
    after the range that was said first, by its basis."""

    def __init__(self, database: Database, clock: Clock, metrics: Metrics) -> None:
        self._database = database
        self._clock = clock
        self._read_at: datetime | None = None
        self._gauge = metrics.gauge(
            "vrc_predicted_restorations",
            "Restorations of the last year by where they lay in the range that was first predicted for them.",
            ("basis", "held"),
        )
        self._samples = metrics.gauge("vrc_prediction_samples", "Restorations that predictions rest on.")
        self.history = History()
        self.held: Mapping[str, Mapping[Held, int]] = {}

    async def learn_due(self) -> None:
        """Raises Unavailable: then what was known stays, and it is tried again."""
        now = self._clock.now()
        if self._read_at is not None and abs(now - self._read_at) < EVERY:  # the clock may step back
            return
        await self.learn()
        self._read_at = now

    async def learn(self) -> None:
        history, held = History(), dict[str, Counter[Held]]()
        since, after = to_ms(self._clock.now() - REMEMBERED), BEGINNING
        while history.samples < MOST and (rows := await self._page(since, after)):
            for row in rows:
                history.learn(_case(row), row["restored_at"] - row["reported_at"])
                if row["foretold_basis"] is not None:
                    held.setdefault(row["foretold_basis"], Counter())[_held(row)] += 1
            after = rows[-1]["restored_at"], rows[-1]["ticket"]
            await asyncio.sleep(0)  # customers are answered by the same loop
        history.look_at_lasting([lasting async for lasting in self._open()])
        self.history, self.held = history, held
        self._show()

    async def _page(self, since: int, after: tuple[int, str]) -> Sequence[Row]:
        return await self._database.fetch(NEWEST, since=since, at=after[0], id=after[1], most=PAGE)

    async def _open(self) -> AsyncIterator[tuple[Case, int]]:
        now, after, seen = to_ms(self._clock.now()), "", 0
        while seen < MOST and (rows := await self._database.fetch(OPEN, after=after, most=PAGE)):
            for row in rows:
                yield _case(row), max(now - row["reported_at"], 0)
            after, seen = rows[-1]["circuit"], seen + len(rows)

    def _show(self) -> None:
        self._samples.set(self.history.samples)
        self._gauge.clear()
        for basis, counts in self.held.items():
            for held in get_args(Held):
                self._gauge.labels(basis, held).set(counts.get(held, 0))


def _case(row: Row) -> Case:
    return Case(
        networks=(NetworkCode(row["network"]),) if row["network"] else (), segment=row["segment_kind"],
        impact=row["impact"], cause=row["cause"], suspended=row["pending"] > 0,
    )  # fmt: skip


def _held(row: Row) -> Held:
    if row["restored_at"] < row["foretold_from"]:
        return "early"
    return "inside" if row["restored_at"] <= row["foretold_to"] else "late"
