"""Mass faults in and out of the database, and the orders among which they are found."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import BigInteger, Text, bindparam, select, tuple_, update

from services.dispatcher.escalation.tables import mass_fault_tickets, mass_faults
from services.dispatcher.tables import is_live, repair_orders
from shared.db.port import Database, Reader, Tx
from shared.db.statement import BulkInsert, Query, Row, any_of
from shared.ids import NetworkCode, TicketId

m, p, o = mass_faults.c, mass_fault_tickets.c, repair_orders.c
_since, _at = bindparam("since", type_=BigInteger()), bindparam("at", type_=BigInteger())
MOST_LOOKED_AT = 500
ACTIVE = Query(
    select(m.id, m.kinds).where(m.network == bindparam("network"), m.latest_at >= _since).order_by(m.latest_at)
)
RECENT = Query(
    select(o.ticket, o.data)
    .where(o.network == bindparam("network"), o.issued_at >= _since, is_live, any_of(o.tier, "tiers"))
    .order_by(o.issued_at.desc())
    .limit(bindparam("most"))
)
BEGIN = BulkInsert(mass_faults, ("id", "network", "kinds", "began_at", "latest_at"))
JOIN = BulkInsert(mass_fault_tickets, ("ticket", "fault"))
GROW = Query(update(mass_faults).where(m.id == bindparam("fault")).values(latest_at=_at))
NEWEST = Query(
    select(mass_faults)
    .where(tuple_(m.began_at, m.id) < tuple_(_at, bindparam("id", type_=Text())))
    .order_by(m.began_at.desc(), m.id.desc())
    .limit(bindparam("most"))
)
MEMBERS = Query(select(p.fault, p.ticket).where(any_of(p.fault, "faults")).order_by(p.fault, p.ticket))


async def active(reader: Reader | Tx, network: NetworkCode, since: int) -> Sequence[Row]:
    """`id` and `kinds` of those that a ticket joined since then, the last one last."""
    return await reader.fetch(ACTIVE, network=network, since=since)


async def recent(database: Database, network: NetworkCode, since: int, tiers: Collection[str]) -> Sequence[Row]:
    """`ticket` and `data` of the live orders of these tiers that were issued since then, at most 500, the newest."""
    return await database.fetch(RECENT, network=network, since=since, tiers=list(tiers), most=MOST_LOOKED_AT)


async def begin(tx: Tx, fault: str, network: NetworkCode, kinds: str, at: int) -> None:
    await tx.insert(BEGIN, [(fault, network, kinds, at, at)])


async def join(tx: Tx, fault: str, tickets: Sequence[TicketId], at: int) -> None:
    await tx.insert(JOIN, [(ticket, fault) for ticket in tickets])
    await tx.fetch(GROW, fault=fault, at=at)


async def newest(database: Database, *, before: tuple[int, str] | None, most: int) -> Sequence[Row]:
    at, id = before or (2**62, "")
    return await database.fetch(NEWEST, at=at, id=id, most=most)


async def members(reader: Reader | Tx, faults: Collection[str]) -> Mapping[str, list[TicketId]]:
    found: dict[str, list[TicketId]] = defaultdict(list)
    for row in await reader.fetch(MEMBERS, faults=list(faults)):
        found[row["fault"]].append(TicketId(row["ticket"]))
    return found
