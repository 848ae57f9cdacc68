"""The NOC's routes: what waits to be routed by hand, what was refused, and its commands."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from services.dispatcher import model
from services.dispatcher.handlers import OrderDesk
from services.dispatcher.noc import shapes, store
from shared.auth.principal import Principal
from shared.db.port import Database
from shared.ids import TICKET_PATTERN, TicketId
from shared.tickets.changes import Changed
from shared.tickets.view import TicketView, ticket_bytes
from shared.web.answers import json
from shared.web.idempotency import REPLAYED, IdempotencyKey, request_of
from shared.web.pages import Cursor, Limit, decode_cursor, encode_cursor, page
from shared.web.routes import DONE_OR_PROBLEMS, LIST_PROBLEMS, StrictRoute, allow

NocReader = Annotated[Principal, Depends(allow("operator", needs="noc:read"))]
NocRouter = Annotated[Principal, Depends(allow("operator", needs="noc:route"))]
TicketPath = Annotated[TicketId, Path(pattern=TICKET_PATTERN)]
JSON = "application/json"
BEGINNING = (-(2**62), "")


def routes(desk: OrderDesk, database: Database) -> APIRouter:
    router = APIRouter(route_class=StrictRoute)
    _add_lists(router, database)
    _add_commands(router, desk)
    return router


def _add_lists(router: APIRouter, database: Database) -> None:
    @router.get("/v1/noc/queue", response_model=shapes.QueuePage, responses=LIST_PROBLEMS, tags=["noc"])
    async def read_queue(caller: NocReader, limit: Limit = 50, cursor: Cursor = None) -> Response:
        """Tickets that wait to be routed by hand, the most urgent first: by breach time and tier."""
        after = decode_cursor(cursor, int, str)
        found = await store.queue(database, after=(after[0], after[1]) if after else BEGINNING, most=limit + 1)
        last = found[min(limit, len(found)) - 1] if found else None
        following = encode_cursor(last[1].rank_at, last[0].id) if last else None
        return json(page([shapes.queued_ticket(*of) for of in found], limit=limit, next_cursor=following))

    @router.get("/v1/noc/refused-progress", response_model=shapes.RefusedPage, responses=LIST_PROBLEMS, tags=["noc"])
    async def read_refused(caller: NocReader, limit: Limit = 50, cursor: Cursor = None) -> Response:
        """What local networks sent over Kafka and was not taken, newest first."""
        before = decode_cursor(cursor, int, str, str)
        rows = await store.refused(
            database, before=(before[0], before[1], before[2]) if before else None, most=limit + 1
        )
        last = rows[min(limit, len(rows)) - 1] if rows else None
        following = encode_cursor(last["at"], last["source"], last["id"]) if last else None
        return json(page([shapes.refused_view(row) for row in rows], limit=limit, next_cursor=following))


def _add_commands(router: APIRouter, desk: OrderDesk) -> None:
    @router.post(
        "/v1/tickets/{id}/route", response_model=TicketView, responses=DONE_OR_PROBLEMS, tags=["noc"],
        summary="Order these local networks by hand",
    )  # fmt: skip
    async def route_by_hand(
        caller: NocRouter, id: TicketPath, body: shapes.RouteBody, idempotency_key: IdempotencyKey = None
    ) -> Response:
        asked = request_of(caller, idempotency_key, f"POST /v1/tickets/{id}/route", body.model_dump(mode="json"))
        return answer(await desk.by_hand(id, body.networks, body.reason, by=caller, request=asked))

    @router.post(
        "/v1/tickets/{id}/reject", response_model=TicketView, responses=DONE_OR_PROBLEMS, tags=["noc"],
        summary="This is not a fault of ours to repair",
    )  # fmt: skip
    async def reject(
        caller: NocRouter, id: TicketPath, body: shapes.RejectBody, idempotency_key: IdempotencyKey = None
    ) -> Response:
        asked = request_of(caller, idempotency_key, f"POST /v1/tickets/{id}/reject", body.model_dump(mode="json"))
        decide = partial(model.reject, reason=body.reason)
        return answer(await desk.command(id, decide, by=caller, request=asked))


def answer(changed: Changed) -> Response:
    headers = {REPLAYED: "true"} if changed.replayed else None
    return Response(ticket_bytes(changed.ticket), headers=headers, media_type=JSON)
