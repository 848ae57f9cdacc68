"""Intake's routes: HTTP in, command out, answer back. What a caller may not know of is 404."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Path, Response

from services.intake import model, shapes
from services.intake.handlers import Desk
from services.intake.report import ACCESS, ReportDoor
from shared.auth.principal import Principal
from shared.ids import TICKET_PATTERN, TicketId
from shared.tickets.changes import Change, Decide
from shared.tickets.view import TicketView, ticket_bytes
from shared.web.idempotency import REPLAYED, IdempotencyKey, request_of
from shared.web.routes import (
    DONE_OR_PROBLEMS,
    LOCATION_HEADER,
    REPLAYED_HEADER,
    HotRoute,
    StrictRoute,
    allow,
    hot,
    problems,
)

TicketPath = Annotated[TicketId, Path(pattern=TICKET_PATTERN, examples=["VT261121-7K3QM9XA"])]
Writer = Annotated[Principal, Depends(allow("account", "operator", "network", needs="tickets:write"))]
Customer = Annotated[Principal, Depends(allow("account", "operator", needs="reports:write"))]
JSON = "application/json"
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def report_route(door: ReportDoor) -> APIRouter:
    router = APIRouter(route_class=HotRoute, tags=["faults"])

    @router.post(
        "/v1/faults",
        status_code=201,
        response_model=TicketView,
        summary="Report a fault; the answer is a ticket number, durable",
        responses={
            201: {"headers": {**LOCATION_HEADER, **REPLAYED_HEADER}},
            200: {
                "model": TicketView,
                "description": "Joined the circuit's open ticket",
                "headers": {**LOCATION_HEADER, **REPLAYED_HEADER},
            },
            **problems(400, 401, 403, 409, 413, 415, 422, 503),
        },
        openapi_extra={"security": [{"api_key": []}]},
    )
    @hot(door, ACCESS)
    async def report_fault(body: shapes.FaultBody, idempotency_key: IdempotencyKey = None) -> None:
        raise AssertionError("documented here, run by ReportDoor")

    return router


def command_routes(desk: Desk) -> APIRouter:
    router = APIRouter(route_class=StrictRoute)

    async def change(
        caller: Principal, id: TicketId, verb: str, body: Any, key: str | None, decide: Decide
    ) -> Response:
        asked = request_of(caller, key, f"POST /v1/tickets/{id}/{verb}", body.model_dump(mode="json"))
        changed = await desk.change(
            Change(id, caller.actor, decide, partial(model.changes, caller), asked, caller.origin.salted())
        )
        headers = {REPLAYED: "true"} if changed.replayed else None
        return Response(ticket_bytes(changed.ticket), headers=headers, media_type=JSON)

    def command(verb: str, summary: str) -> Callable[[Endpoint], Endpoint]:
        return router.post(
            f"/v1/tickets/{{id}}/{verb}", response_model=TicketView, responses=DONE_OR_PROBLEMS, summary=summary,
            tags=["tickets"],
        )  # fmt: skip

    @command("notes", "Tell everybody who works on the ticket something")
    async def add_note(
        caller: Writer, id: TicketPath, body: shapes.NoteBody, idempotency_key: IdempotencyKey = None
    ) -> Response:
        return await change(caller, id, "notes", body, idempotency_key, partial(model.note, text=body.text))

    @command("cancel", "The fault is gone or was none; the networks stand down")
    async def cancel(
        caller: Customer, id: TicketPath, body: shapes.CancelBody | None = None, idempotency_key: IdempotencyKey = None
    ) -> Response:
        body = body or shapes.CancelBody()
        return await change(caller, id, "cancel", body, idempotency_key, partial(model.cancel, reason=body.reason))

    @command("confirm", "The service is back; the ticket closes")
    async def confirm(
        caller: Customer, id: TicketPath, body: shapes.ConfirmBody | None = None, idempotency_key: IdempotencyKey = None
    ) -> Response:
        body = body or shapes.ConfirmBody()
        return await change(caller, id, "confirm", body, idempotency_key, partial(model.confirm, comment=body.comment))

    @command("reopen", "The service is not back; the network is ordered again")
    async def reopen(
        caller: Customer, id: TicketPath, body: shapes.ReopenBody | None = None, idempotency_key: IdempotencyKey = None
    ) -> Response:
        body = body or shapes.ReopenBody()
        return await change(caller, id, "reopen", body, idempotency_key, partial(model.reopen, reason=body.reason))

    return router
