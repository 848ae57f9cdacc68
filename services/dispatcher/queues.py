"""The local networks' queues follow their tickets: each order stands where its ticket's promise puts it by now.

Whoever moved the promise, a network's step, a duty manager, another service, it is a fact on the tickets' topic, and
heard here: the one place that moves orders. A suspension alone moves nothing: its end does, by how long it was.
"""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Text, bindparam, update

from services.dispatcher.tables import repair_orders
from shared.contracts.event import Event
from shared.db.port import Database, Tx
from shared.db.statement import Query
from shared.ids import TicketId
from shared.tickets import store as tickets
from shared.tickets.ranks import standing_of

MOVE_THE_PROMISE = frozenset({"ticket.resumed", "ticket.suspension_struck_out", "ticket.terms_changed"})
o = repair_orders.c
PLACE = Query(
    update(repair_orders)
    .where(o.id == bindparam("order"))
    .values(
        tier=bindparam("of", type_=Text()),
        breach_at=bindparam("breaches", type_=BigInteger()),
        rank_at=bindparam("ranks", type_=BigInteger()),
    )
)


class Queues:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def on_events(self, events: Sequence[Event]) -> None:
        """Harmless when repeated: what counts is how the ticket stands. Raises Unavailable."""
        moved = {event.ticket for event in events if event.type in MOVE_THE_PROMISE}
        if moved:
            await self._database.transact(lambda tx: _place(tx, moved))


async def _place(tx: Tx, moved: set[TicketId]) -> None:
    """Under the tickets' locks, as everybody moves orders: two never wait for each other."""
    for stored in (await tickets.lock(tx, moved)).values():
        place = standing_of(stored.ticket)
        for order in stored.ticket.orders if place else ():
            assert place is not None
            await tx.fetch(PLACE, order=order.id, of=place.tier, breaches=place.breach_at, ranks=place.rank_at)
