"""The fault report by its ticket: from the network that restored, or from the NOC in its place.

Over a network's own doors it is one more step of its order (`fault-report`); both end in the same decision.
"""

from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Path, Response

from services.dispatcher.handlers import OrderDesk
from shared.auth.principal import Principal
from shared.contracts import progress as p
from shared.db.port import Database
from shared.errors import IllegalMove, NotFound
from shared.ids import TICKET_PATTERN, NetworkCode, TicketId
from shared.tickets import store as tickets
from shared.tickets.view import TicketView, ticket_bytes
from shared.web.idempotency import REPLAYED, IdempotencyKey, request_of
from shared.web.routes import DONE_OR_PROBLEMS, StrictRoute, allow

Worker = Annotated[Principal, Depends(allow("network", "operator", needs="orders:work"))]
TicketPath = Annotated[TicketId, Path(pattern=TICKET_PATTERN)]
JSON = "application/json"


def routes(desk: OrderDesk, database: Database) -> APIRouter:
    router = APIRouter(route_class=StrictRoute)

    @router.post(
        "/v1/tickets/{id}/fault-report", response_model=TicketView, responses=DONE_OR_PROBLEMS, tags=["tickets"],
        summary="What it was, what was done, what is done against it; given again it corrects what was said",
    )  # fmt: skip
    async def give_fault_report(
        caller: Worker, id: TicketPath, body: p.FaultReportGiven, idempotency_key: IdempotencyKey = None
    ) -> Response:
        network = NetworkCode(caller.subject) if caller.role == "network" else await _restorer(database, id)
        said = orjson.loads(orjson.dumps(body))
        asked = request_of(caller, idempotency_key, f"POST /v1/tickets/{id}/fault-report", said)
        changed = await desk.progress(id, network, body, by=caller, request=asked)
        headers = {REPLAYED: "true"} if changed.replayed else None
        return Response(ticket_bytes(changed.ticket), headers=headers, media_type=JSON)

    return router


async def _restorer(database: Database, id: TicketId) -> NetworkCode:
    """The network that restored last."""
    ticket = await tickets.get(database, id)
    if ticket is None:
        raise NotFound()
    restored = [order for order in ticket.orders if order.state == "restored"]
    if not restored:
        raise IllegalMove(f"Ticket {id} is {ticket.status}: nothing is restored to report on.", legal=())
    return max(restored, key=lambda order: order.updated_at).network
