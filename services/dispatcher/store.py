"""Orders as the database has them; `services.dispatcher.projection` puts them there."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Text, bindparam, select, tuple_

from services.dispatcher.tables import is_live, repair_orders
from shared.db.port import Database
from shared.db.statement import Query, Row
from shared.ids import OrderId

o = repair_orders.c
GET_ORDER = Query(select(repair_orders).where(o.id == bindparam("order")))
_state = bindparam("state", type_=Text())
ORDERS = Query(
    select(repair_orders)
    .where(
        o.network == bindparam("network"),
        tuple_(o.rank_at, o.id) > tuple_(bindparam("at", type_=BigInteger()), bindparam("id", type_=Text())),
        _state.is_(None) | (o.state == _state),
    )
    .order_by(o.rank_at, o.id)
    .limit(bindparam("most"))
)
LIVE_ORDERS = Query(
    select(repair_orders)
    .where(
        o.network == bindparam("network"),
        tuple_(o.rank_at, o.id) > tuple_(bindparam("at", type_=BigInteger()), bindparam("id", type_=Text())),
        is_live,
    )
    .order_by(o.rank_at, o.id)
    .limit(bindparam("most"))
)


async def order(database: Database, id: OrderId) -> Row | None:
    rows = await database.fetch(GET_ORDER, order=id)
    return rows[0] if rows else None


async def orders_to(
    database: Database, network: str, *, state: str | None, after: tuple[int, str], most: int
) -> Sequence[Row]:
    """By rank, the most urgent first. `state` live means issued or accepted; None means all."""
    at, id = after
    if state == "live":
        return await database.fetch(LIVE_ORDERS, network=network, at=at, id=id, most=most)
    return await database.fetch(ORDERS, network=network, state=state, at=at, id=id, most=most)
