"""Escalations out of the database: those that wait to be acknowledged, by the index of them."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import BigInteger, Text, bindparam, select, tuple_

from shared.db.port import Database
from shared.db.statement import Query
from shared.ids import AccountId
from shared.registry.model import Account
from shared.registry.shelves import SHELVES
from shared.tickets.model import Ticket
from shared.tickets.ranks import Standing
from shared.tickets.store import STATE
from shared.tickets.tables import is_escalated, tickets

t = tickets.c
OPEN = Query(
    select(t.state, t.tier, t.breach_at, t.rank_at)
    .where(
        is_escalated,
        tuple_(t.rank_at, t.id) > tuple_(bindparam("at", type_=BigInteger()), bindparam("id", type_=Text())),
    )
    .order_by(t.rank_at, t.id)
    .limit(bindparam("most"))
)


async def waiting(database: Database, *, after: tuple[int, str], most: int) -> Sequence[tuple[Ticket, Standing]]:
    """By rank, the most urgent first."""
    rows = await database.fetch(OPEN, at=after[0], id=after[1], most=most)
    return [(STATE.validate_json(r["state"]), Standing(r["tier"], r["breach_at"], r["rank_at"])) for r in rows]


async def accounts(database: Database, ids: Collection[AccountId]) -> Mapping[str, Account]:
    rows = await database.fetch(SHELVES["account"].read, ids=list(ids))
    found = (SHELVES["account"].of(row) for row in rows)
    return {account.id: account for account in found if isinstance(account, Account)}
