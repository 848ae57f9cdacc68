"""The totals of all measures in the database: changed with them, in one transaction, and added up anew when asked.

Only whoever has the turn to write measures comes here, so nothing is added twice and nothing is lost.
"""

from collections.abc import Sequence

import orjson
from sqlalchemy import select

from services.dispatcher.measures import rows
from services.dispatcher.measures.measure import Measure
from services.dispatcher.measures.tables import TOTAL_COLUMNS, measure_totals
from services.dispatcher.measures.totals import Key, Total, Totals, change
from shared.db.port import Database, Tx
from shared.db.statement import BulkInsert, Query

TOTALS = Query(select(measure_totals))
ADD = BulkInsert(
    measure_totals,
    TOTAL_COLUMNS,
    conflict="(name, labels, bound) DO UPDATE"
    " SET n = measure_totals.n + excluded.n, ms = measure_totals.ms + excluded.ms",
)
TOGETHER = 1000


async def totals(reader: Database | Tx) -> Totals:
    """As of one instant."""
    return {
        Key(row["name"], tuple(orjson.loads(row["labels"])), row["bound"]): Total(row["n"], row["ms"])
        for row in await reader.fetch(TOTALS)
    }


async def add(tx: Tx, changed: Totals) -> None:
    """In one order, so that it is the same whoever does it."""
    found = sorted((key.name, orjson.dumps(key.labels).decode(), key.bound, *total) for key, total in changed.items())
    await tx.insert(ADD, found)


async def add_up_anew(tx: Tx) -> int:
    """From all measures; answers how many totals were not what they should be."""
    right, after = dict[Key, Total](), ""
    while found := await rows.following(tx, after=after, most=TOGETHER):
        _include(right, found)
        after = found[-1].ticket
    return await _mend(tx, right)


def _include(right: Totals, found: Sequence[Measure]) -> None:
    for key, total in change((None, measure) for measure in found).items():
        before = right.get(key, Total(0))
        right[key] = Total(before.n + total.n, before.ms + total.ms)


async def _mend(tx: Tx, right: Totals) -> int:
    stored = await totals(tx)
    none = Total(0)
    wrong = {
        key: Total(should.n - stands.n, should.ms - stands.ms)
        for key in stored.keys() | right.keys()
        if (should := right.get(key, none)) != (stands := stored.get(key, none))
    }
    await add(tx, wrong)
    return len(wrong)
