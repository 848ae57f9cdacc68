"""What a lane goes along: a ticket's log, or the notices of an account. Both answer events in their order."""

from collections.abc import Sequence

from services.notifier.store import notices
from shared.contracts.event import Event
from shared.db.port import Reader, Tx
from shared.ids import TicketId
from shared.tickets import store as tickets


async def entries(reader: Reader | Tx, log: str, *, after: int, most: int) -> Sequence[Event]:
    if notices.is_notices(log):
        return await notices.entries(reader, log, after=after, most=most)
    return await tickets.entries(reader, TicketId(log), after=after, most=most)
