"""The registry's lists, straight from the database."""

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from shared.db.port import Reader
from shared.db.statement import Query
from shared.ids import AccountId
from shared.registry import tables as t
from shared.registry.model.circuit import Circuit
from shared.registry.rows import circuit_of

_page = t.circuits.c.id > bindparam("after")
OF_ACCOUNT = Query(
    select(t.circuits)
    .where(t.circuits.c.account == bindparam("account"), _page)
    .order_by(t.circuits.c.id)
    .limit(bindparam("most"))
)
OF_ALL = Query(select(t.circuits).where(_page).order_by(t.circuits.c.id).limit(bindparam("most")))


async def circuits(reader: Reader, account: AccountId | None, *, after: str, most: int) -> Sequence[Circuit]:
    """In order of id; `account` None means all."""
    if account is None:
        rows = await reader.fetch(OF_ALL, after=after, most=most)
    else:
        rows = await reader.fetch(OF_ACCOUNT, account=account, after=after, most=most)
    return [circuit_of(row) for row in rows]
