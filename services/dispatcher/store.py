"""The dispatcher's tables in and out: orders as projected from facts, the NOC's queue, refused progress."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Text, bindparam, func, select, tuple_, update

from services.dispatcher.tables import ORDER_COLUMNS, REFUSED_COLUMNS, is_live, refused_progress, repair_orders
from shared.clock import to_ms
from shared.contracts import facts as f
from shared.db.port import Database, Tx
from shared.db.statement import BulkInsert, Query, Row, any_of, array_type
from shared.ids import NetworkCode, OrderId
from shared.tickets.log import Entry
from shared.tickets.model import OrderState, Ticket
from shared.tickets.store import STATE
from shared.tickets.tables import tickets
from shared.tickets.targets import Standing

STANDING = ("tier", "breach_at", "rank_at")


class _PutOrders(BulkInsert):
    """Each order takes its ticket's standing along, within the one statement: nobody has to ask for it first."""

    def __init__(self) -> None:
        given, names = ", ".join(ORDER_COLUMNS), ", ".join((*ORDER_COLUMNS, *STANDING))
        arrays = ", ".join(f"${i}::{array_type(repair_orders.c[c])}" for i, c in enumerate(ORDER_COLUMNS, 1))
        marks = ", ".join(f"?{i}" for i in range(1, len(ORDER_COLUMNS) + 1))
        into, taken = f"INSERT INTO repair_orders ({names})", ", ".join(f"t.{name}" for name in STANDING)
        changed = ("state", "issued_at", "updated_at", "data", *STANDING)
        tail = f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{c} = excluded.{c}' for c in changed)}"
        tail += ", accepted_at = NULL, restored_at = NULL"
        rows = f"unnest({arrays}) AS v({given})"
        self.postgresql = f"{into} SELECT v.*, {taken} FROM {rows} JOIN tickets t ON t.id = v.ticket {tail}"
        of = ORDER_COLUMNS.index("ticket") + 1
        self.sqlite = f"{into} SELECT {marks}, {taken} FROM tickets t WHERE t.id = ?{of} {tail}"


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
t = tickets.c
QUEUE = Query(
    select(t.state, t.tier, t.breach_at, t.rank_at)
    .where(
        t.unroutable.is_not(None),
        tuple_(t.rank_at, t.id) > tuple_(bindparam("at", type_=BigInteger()), bindparam("id", type_=Text())),
    )
    .order_by(t.rank_at, t.id)
    .limit(bindparam("most"))
)
QUEUED = Query(select(func.count().label("n")).where(t.unroutable.is_not(None)))
r = refused_progress.c
PUT_REFUSED = BulkInsert(refused_progress, REFUSED_COLUMNS, conflict="DO NOTHING")
REFUSED = Query(
    select(refused_progress)
    .where(
        tuple_(r.at, r.source, r.id)
        < tuple_(bindparam("at", type_=BigInteger()), bindparam("source", type_=Text()), bindparam("id", type_=Text()))
    )
    .order_by(r.at.desc(), r.source.desc(), r.id.desc())
    .limit(bindparam("most"))
)
REFUSED_BEFORE = Query(select(r.source, r.id).where(any_of(r.id, "ids")))
MOVED: dict[type[f.Fact], OrderState] = {
    f.OrderAccepted: "accepted",
    f.OrderDeclined: "declined",
    f.OrderHandedOver: "handed_over",
    f.ServiceRestored: "restored",
    f.OrderStoodDown: "stood_down",
}


@dataclass(frozen=True, slots=True)
class RefusedProgress:
    """A message of a local network that was not taken; `source` and `id` name it once."""

    source: str
    id: str
    network: NetworkCode
    order: str | None
    type: str
    reason: str
    body: str
    at: datetime


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


async def queue(database: Database, *, after: tuple[int, str], most: int) -> Sequence[tuple[Ticket, Standing]]:
    """Tickets that wait to be routed by hand, by rank: the most urgent first."""
    rows = await database.fetch(QUEUE, at=after[0], id=after[1], most=most)
    return [(STATE.validate_json(r["state"]), Standing(r["tier"], r["breach_at"], r["rank_at"])) for r in rows]


async def queued(database: Database) -> int:
    rows = await database.fetch(QUEUED)
    return int(rows[0]["n"])


async def record_refused(tx: Tx, refused: Sequence[RefusedProgress]) -> None:
    """A message that comes twice is recorded once."""
    rows = [(x.source, x.id, x.network, x.order, x.type, x.reason, x.body, to_ms(x.at)) for x in refused]
    await tx.insert(PUT_REFUSED, rows)


async def refused_before(database: Database, ids: Sequence[str]) -> set[tuple[str, str]]:
    """Source and id of those of these messages that were refused."""
    rows = await database.fetch(REFUSED_BEFORE, ids=ids)
    return {(row["source"], row["id"]) for row in rows}


async def refused(database: Database, *, before: tuple[int, str, str] | None, most: int) -> Sequence[Row]:
    at, source, id = before or (2**62, "", "")
    return await database.fetch(REFUSED, at=at, source=source, id=id, most=most)
