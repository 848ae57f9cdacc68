"""Where tickets are: their circuits and the sites at both ends, in one query for a batch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import select

from services.notifier.model.subscription import Place
from services.notifier.store.feed import Placed
from shared.db.port import Reader, Tx
from shared.db.statement import Query, any_of
from shared.ids import TicketId
from shared.registry.tables import circuits
from shared.tickets.tables import tickets

_c = circuits.c
PLACES = Query(
    select(tickets.c.id, tickets.c.circuit, _c.a_network, _c.a_site, _c.z_network, _c.z_site)
    .select_from(tickets.outerjoin(circuits, circuits.c.id == tickets.c.circuit))
    .where(any_of(tickets.c.id, "tickets"))
)


async def places(reader: Reader | Tx, of: Iterable[TicketId]) -> Mapping[TicketId, Place]:
    rows = await reader.fetch(PLACES, tickets=sorted(set(of)))
    return {
        row["id"]: Place(
            row["circuit"],
            frozenset(
                f"{row[f'{end}_network']}/{row[f'{end}_site']}" for end in "az" if row[f"{end}_site"] is not None
            ),
        )
        for row in rows
    }


async def in_place(reader: Reader, page: Sequence[Placed]) -> Sequence[Placed]:
    """The same, each with where its ticket is."""
    where = await places(reader, (placed.event.ticket for placed in page))
    return [replace(placed, place=where.get(placed.event.ticket)) for placed in page]
