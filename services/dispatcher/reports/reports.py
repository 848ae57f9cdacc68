"""Reads reports for whoever may see what: all accounts, or some; at most two at a time in a process.

A report over a million rows sorts for seconds, in the database. Whoever asks for more waits for its turn, so that
reports never take all the connections from those who repair.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

import orjson
from sqlalchemy import select

from services.dispatcher.reports import queries as q
from services.dispatcher.reports import rows
from services.dispatcher.reports.adding import MOST_GROUPS, too_many
from services.dispatcher.reports.compensation import Breach, Due, Months, Rules
from shared.db.port import Reader
from shared.db.statement import Query, Row, any_of
from shared.ids import AccountId
from shared.registry.tables import circuits

AT_ONCE = 2
PATIENCE_S = 120
TOGETHER = 2000
Worst = Literal["network", "circuit", "account"]
WORST: dict[Worst, tuple[tuple[str, ...], Query, Query | None]] = {
    "network": (("network",), q.WORST_NETWORKS, None),
    "circuit": (("circuit", "account"), q.WORST_CIRCUITS, q.WORST_CIRCUITS_OF_SOME),
    "account": (("account",), q.WORST_ACCOUNTS, q.WORST_ACCOUNTS_OF_SOME),
}
FEES = Query(select(circuits.c.id, circuits.c.details).where(any_of(circuits.c.id, "ids")))
Lines = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """Restored in [since, until), in ms; of these accounts (None: of all)."""

    reader: Reader
    accounts: frozenset[AccountId] | None
    since: int
    until: int

    async def fetch(self, of_all: Query, of_some: Query, **params: Any) -> Sequence[Row]:
        period = {"since": self.since, "until": self.until}
        if self.accounts is None:
            return await self.reader.fetch(of_all, patience_s=PATIENCE_S, **period, **params)
        accounts = sorted(self.accounts)
        return await self.reader.fetch(of_some, patience_s=PATIENCE_S, accounts=accounts, **period, **params)


class Reports:
    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def attainment(self, asked: Asked, by: Sequence[str]) -> Lines:
        found = await self._grouped(asked, by, q.ATTAINMENT, q.ATTAINMENT_OF_SOME)
        return rows.sorted_by_key([rows.attainment_line(row, by) for row in found], by)

    async def repeats(self, asked: Asked, by: Sequence[str], *, span_ms: int) -> Lines:
        found = await self._grouped(asked, by, q.REPEATS, q.REPEATS_OF_SOME, span=span_ms)
        return rows.sorted_by_key([rows.repeats_line(row, by) for row in found], by)

    async def worst(self, asked: Asked, of: Worst, *, most: int) -> Lines:
        columns, of_all, of_some = WORST[of]
        assert of_some is not None or asked.accounts is None, "networks are compared over all accounts"
        async with self._turns:
            found = await asked.fetch(of_all, of_some or of_all, most=most)
        return [rows.worst_line(row, columns) for row in found]

    async def compensation(self, asked: Asked, *, month_began: int) -> AsyncIterator[Due]:
        """In the order of restorations, some at a time. Read from where the first month began, because what a circuit
        costs depends on what it cost earlier in its month."""
        months = Months(self.rules)
        at, ticket, read = month_began, "", replace(asked, since=month_began)
        while True:
            async with self._turns:
                page = await read.fetch(q.BREACHES, q.BREACHES_OF_SOME, at=at, ticket=ticket, most=TOGETHER)
                fees = await _fees(asked.reader, {row["circuit"] for row in page})
            for row in page:
                over = row["counted"] - row["restore_target"]
                breach = Breach(row["ticket"], row["account"], row["circuit"], row["tier"], row["month"], over)
                due = months.due(breach, fees.get(breach.circuit))
                if row["restored_at"] >= asked.since:
                    yield due
            if len(page) < TOGETHER:
                return
            at, ticket = page[-1]["restored_at"], page[-1]["ticket"]

    async def _grouped(
        self, asked: Asked, by: Sequence[str], of_all: Query, of_some: Query, **params: int
    ) -> Sequence[Row]:
        one, two = (*by, "", "")[:2]
        async with self._turns:
            found = await asked.fetch(of_all, of_some, by=one, then=two, most=MOST_GROUPS + 1, **params)
        if len(found) > MOST_GROUPS:
            raise too_many()
        return found


async def _fees(reader: Reader, ids: set[str]) -> dict[str, Decimal]:
    found = await reader.fetch(FEES, patience_s=PATIENCE_S, ids=sorted(ids)) if ids else []
    said = ((row["id"], orjson.loads(row["details"] or "{}").get("monthly_fee")) for row in found)
    return {id: Decimal(fee) for id, fee in said if fee is not None}
