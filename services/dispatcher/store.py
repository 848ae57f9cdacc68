"""Orders in and out of the database, as projected from facts."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Text, bindparam, func, select, tuple_, update

from services.dispatcher.tables import ORDER_COLUMNS, is_live, repair_orders
from shared.clock import to_ms
from shared.contracts import facts as f
from shared.db.port import Database, Tx
from shared.db.statement import BulkInsert, JsonRows, Query, Row, array_type
from shared.ids import OrderId
from shared.tickets.log import Entry
from shared.tickets.model import OrderState

STANDING = ("tier", "breach_at", "rank_at")


class _PutOrders(BulkInsert):
    """Each order takes its ticket's standing along, within the one statement: nobody has to ask for it first."""

    def __init__(self) -> None:
        given, names = ", ".join(ORDER_COLUMNS), ", ".join((*ORDER_COLUMNS, *STANDING))
        arrays = ", ".join(f"${i}::{array_type(repair_orders.c[c])}" for i, c in enumerate(ORDER_COLUMNS, 1))
        self.rows = JsonRows.of(repair_orders, ORDER_COLUMNS)
        into, taken = f"INSERT INTO repair_orders ({names})", ", ".join(f"t.{name}" for name in STANDING)
        changed = ("state", "issued_at", "updated_at", "data", *STANDING)
        tail = f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{c} = excluded.{c}' for c in changed)}"
        tail += ", accepted_at = NULL, restored_at = NULL"
        rows = f"unnest({arrays}) AS v({given})"
        self.postgresql = f"{into} SELECT v.*, {taken} FROM {rows} JOIN tickets t ON t.id = v.ticket {tail}"
        of_each = f"({self.rows.select}) v CROSS JOIN tickets t WHERE t.id = v.ticket"
        self.sqlite = f"{into} SELECT v.*, {taken} FROM {of_each} {tail}"


o = repair_orders.c
PUT_ORDERS = _PutOrders()
MOVE_ORDER = Query(
    update(repair_orders)
    .where(o.id == bindparam("order"))
    .values(
        state=bindparam("to", type_=Text()),
        updated_at=bindparam("at", type_=BigInteger()),
        accepted_at=func.coalesce(bindparam("accepted", type_=BigInteger()), o.accepted_at),
        restored_at=func.coalesce(bindparam("restored", type_=BigInteger()), o.restored_at),
    )
)
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
MOVED: dict[type[f.Fact], OrderState] = {
    f.OrderAccepted: "accepted",
    f.OrderDeclined: "declined",
    f.OrderHandedOver: "handed_over",
    f.ServiceRestored: "restored",
    f.OrderStoodDown: "stood_down",
}


async def project_orders(tx: Tx, recorded: Sequence[tuple[Entry, f.Fact]]) -> None:
    """Keep `repair_orders` in step with the facts just recorded, in the same transaction."""
    issued = [_issued_row(entry, fact) for entry, fact in recorded if isinstance(fact, f.OrderIssued)]
    if issued:
        await tx.insert(PUT_ORDERS, issued)
    for entry, fact in recorded:
        match fact:
            case f.OrderAccepted() | f.OrderDeclined() | f.OrderHandedOver() | f.ServiceRestored() | f.OrderStoodDown():
                at, to = to_ms(entry.at), MOVED[type(fact)]
                accepted = at if to == "accepted" else None
                restored = to_ms(fact.restored_at) if isinstance(fact, f.ServiceRestored) else None
                await tx.fetch(MOVE_ORDER, order=fact.order, to=to, at=at, accepted=accepted, restored=restored)
            case _:
                continue


def _issued_row(entry: Entry, fact: f.OrderIssued) -> tuple[str | int, ...]:
    at = to_ms(entry.at)
    return fact.order, entry.ticket, fact.network, "issued", at, at, entry.data.decode()


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
