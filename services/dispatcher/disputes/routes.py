"""Dispute a suspension; strike it out or uphold it; the list of those that are undecided."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from services.dispatcher.disputes import model, shapes, store
from services.dispatcher.disputes.desk import Disputes
from shared.auth.principal import Principal
from shared.db.port import Database
from shared.ids import TICKET_PATTERN, TicketId
from shared.tickets.changes import Change, Decide
from shared.tickets.model import Ticket
from shared.tickets.view import TicketView, ticket_bytes
from shared.web.answers import json
from shared.web.idempotency import REPLAYED, IdempotencyKey, request_of
from shared.web.pages import Cursor, Limit, decode_cursor, encode_cursor, page
from shared.web.routes import DONE_OR_PROBLEMS, LIST_PROBLEMS, StrictRoute, allow

Disputant = Annotated[Principal, Depends(allow("account", "operator", needs="tickets:write"))]
Judge = Annotated[Principal, Depends(allow("operator", needs="sla:decide"))]
NocReader = Annotated[Principal, Depends(allow("operator", needs="noc:read"))]
TicketPath = Annotated[TicketId, Path(pattern=TICKET_PATTERN)]
LAST = 2**31 - 1
SuspensionPath = Annotated[int, Path(ge=1, le=LAST, description="Its entry in the ticket's log")]
BEGINNING = (-(2**62), "", 0)
JSON = "application/json"
ONE = "/v1/tickets/{id}/suspensions/{seq}"


def routes(desk: Disputes, database: Database) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["suspensions"])
    _add_list(router, database)
    _add_commands(router, desk)
    return router


def _add_list(router: APIRouter, database: Database) -> None:
    @router.get("/v1/noc/suspensions", response_model=shapes.DisputedPage, responses=LIST_PROBLEMS)
    async def list_disputed(caller: NocReader, limit: Limit = 50, cursor: Cursor = None) -> Response:
        """Suspensions that stopped a clock and are disputed, or have no evidence: what a duty manager is to decide."""
        after = decode_cursor(cursor, int, str, int)
        begin = (after[0], after[1], min(max(after[2], 0), LAST)) if after else BEGINNING
        rows = await store.undecided(database, after=begin, most=limit + 1)
        last = rows[min(limit, len(rows)) - 1] if rows else None
        following = encode_cursor(last["at"], last["ticket"], last["suspension"]) if last else None
        return json(page([shapes.disputed_view(row) for row in rows], limit=limit, next_cursor=following))


def _add_commands(router: APIRouter, desk: Disputes) -> None:
    async def command(
        caller: Principal, id: TicketId, suspension: int, verb: str, *, body: shapes.ReasonBody, key: str | None,
        decide: Callable[..., object],
    ) -> Response:  # fmt: skip
        what = f"POST /v1/tickets/{id}/suspensions/{suspension}/{verb}"
        asked = request_of(caller, key, what, body.model_dump(mode="json"))
        chosen: Decide = partial(decide, suspension=suspension, reason=body.reason)  # type: ignore[assignment]
        sees: Callable[[Ticket], bool] = partial(model.may_dispute, caller)
        changed = await desk.command(Change(id, caller.actor, chosen, sees, asked, caller.origin.salted()))
        headers = {REPLAYED: "true"} if changed.replayed else None
        return Response(ticket_bytes(changed.ticket), headers=headers, media_type=JSON)

    @router.post(
        f"{ONE}/dispute", response_model=TicketView, responses=DONE_OR_PROBLEMS, summary="This suspension was none"
    )
    async def dispute(
        caller: Disputant,
        id: TicketPath,
        seq: SuspensionPath,
        body: shapes.ReasonBody,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        return await command(caller, id, seq, "dispute", body=body, key=idempotency_key, decide=model.dispute)

    @router.post(
        f"{ONE}/strike-out", response_model=TicketView, responses=DONE_OR_PROBLEMS,
        summary="The clock ran all the while; every figure is computed anew",
    )  # fmt: skip
    async def strike_out(
        caller: Judge,
        id: TicketPath,
        seq: SuspensionPath,
        body: shapes.ReasonBody,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        return await command(caller, id, seq, "strike-out", body=body, key=idempotency_key, decide=model.strike_out)

    @router.post(
        f"{ONE}/uphold", response_model=TicketView, responses=DONE_OR_PROBLEMS, summary="The suspension stands"
    )
    async def uphold(
        caller: Judge,
        id: TicketPath,
        seq: SuspensionPath,
        body: shapes.ReasonBody,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        return await command(caller, id, seq, "uphold", body=body, key=idempotency_key, decide=model.uphold)
