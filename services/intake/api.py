"""Intake's routes: HTTP in, command out, answer back. An account sees only its own; everything else is 404."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal, TypeVar

import orjson
from fastapi import APIRouter, Depends, Path, Query, Response

from services.intake import model, shapes, store
from services.intake.handlers import Desk
from services.intake.report import ACCESS, ReportDoor
from shared.auth.principal import Principal
from shared.auth.reading import reader_for
from shared.clock import to_ms
from shared.contracts.event import public
from shared.db import port
from shared.errors import Forbidden, NotFound
from shared.ids import TICKET_PATTERN, AccountId, TicketId
from shared.origin import digest_of
from shared.registry import reading
from shared.tickets import store as tickets
from shared.tickets.changes import Change, Decide
from shared.tickets.model import Status, Ticket
from shared.tickets.view import TicketView, ticket_bytes, ticket_view
from shared.web.idempotency import REPLAYED, IdempotencyKey, request_of
from shared.web.pages import Cursor, Limit, decode_cursor, encode_cursor, page
from shared.web.routes import (
    DONE_OR_PROBLEMS,
    LIST_PROBLEMS,
    LOCATION_HEADER,
    READ_PROBLEMS,
    REPLAYED_HEADER,
    HotRoute,
    StrictRoute,
    allow,
    hot,
    problems,
)

TicketPath = Annotated[TicketId, Path(pattern=TICKET_PATTERN, examples=["VT261121-7K3QM9XA"])]
Lister = Annotated[Principal, Depends(allow("account", "operator", needs="tickets:read"))]
Reader = Annotated[Principal, Depends(allow("account", "operator", "network", needs="tickets:read"))]
Writer = Annotated[Principal, Depends(allow("account", "operator", "network", needs="tickets:write"))]
Customer = Annotated[Principal, Depends(allow("account", "operator", needs="reports:write"))]
Text = Annotated[str | None, Query(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
JSON = "application/json"
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def sees(principal: Principal, ticket: Ticket) -> bool:
    """Operators see all, accounts their own, local networks what they were ordered to."""
    if principal.role == "network":
        return any(o.network == principal.subject for o in ticket.orders)
    return principal.may_read(ticket.account)


def changes(principal: Principal, ticket: Ticket) -> bool:
    """Whether the ticket is there to be changed by this caller. Raises Forbidden when he may read it only."""
    if not sees(principal, ticket):
        return False
    if principal.role == "account" and not principal.owns(ticket.account):
        raise Forbidden(f"This ticket is {ticket.account}'s: your key may read it, only that account's may change it.")
    return True


def json(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type=JSON)


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
            **problems(400, 401, 403, 413, 415, 422, 503),
        },
        openapi_extra={"security": [{"api_key": []}]},
    )
    @hot(door, ACCESS)
    async def report_fault(body: shapes.FaultBody, idempotency_key: IdempotencyKey = None) -> None:
        raise AssertionError("documented here, run by ReportDoor")

    return router


def routes(desk: Desk, database: port.Database) -> APIRouter:
    router = APIRouter(route_class=StrictRoute)
    _add_reads(router, database)
    _add_commands(router, desk)
    return router


async def visible(database: port.Reader, principal: Principal, id: TicketId) -> Ticket:
    ticket = await tickets.get(database, id)
    if ticket is None or not sees(principal, ticket):
        raise NotFound()
    return ticket


def _add_reads(router: APIRouter, database: port.Database) -> None:
    @router.get("/v1/tickets", response_model=shapes.TicketPage, responses=LIST_PROBLEMS, tags=["tickets"])
    async def list_tickets(
        caller: Lister,
        status: Status | None = None,
        circuit: Text = None,
        account: Text = None,
        state: Annotated[Literal["open", "over"] | None, Query(description="Open, or over for good")] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Response:
        """Newest first, of all accounts whose tickets the caller may read, or of this one of them."""
        before = decode_cursor(cursor, int, str)
        found = await store.newest(
            reader_for(caller, database), accounts=caller.reading(account), circuit=circuit, status=status,
            is_open=None if state is None else state == "open",
            before=(before[0], before[1]) if before else None, most=limit + 1,
        )  # fmt: skip
        last = found[min(limit, len(found)) - 1] if found else None
        following = encode_cursor(to_ms(last.opened_at), last.id) if last else None
        return json(page([ticket_view(t) for t in found], limit=limit, next_cursor=following))

    @router.get("/v1/tickets/{id}", response_model=TicketView, responses=READ_PROBLEMS, tags=["tickets"])
    async def read_ticket(caller: Reader, id: TicketPath) -> Response:
        return Response(ticket_bytes(await visible(reader_for(caller, database), caller, id)), media_type=JSON)

    @router.get(
        "/v1/tickets/{id}/log", response_model=shapes.LogPage, responses={**LIST_PROBLEMS, **READ_PROBLEMS},
        tags=["tickets"],
    )  # fmt: skip
    async def read_log(caller: Reader, id: TicketPath, limit: Limit = 200, cursor: Cursor = None) -> Response:
        """Every fact of the ticket in order, each chained to the one before by its hash."""
        reader = reader_for(caller, database)
        await visible(reader, caller, id)
        after = decode_cursor(cursor, int)
        seq = min(max(after[0], 0), 2**31 - 1) if after else 0
        entries = await tickets.entries(reader, id, after=seq, most=limit + 1)
        items = [{**public(e), "origin": digest_of(e.origin), "hash": e.hash.hex()} for e in entries]
        following = encode_cursor(entries[min(limit, len(entries)) - 1].seq) if entries else None
        return json(page(items, limit=limit, next_cursor=following))

    @router.get("/v1/circuits", response_model=shapes.CircuitPage, responses=LIST_PROBLEMS, tags=["circuits"])
    async def list_circuits(caller: Lister, limit: Limit = 50, cursor: Cursor = None) -> Response:
        """An account's own circuits; an operator's are all."""
        after = decode_cursor(cursor, str)
        owner = AccountId(caller.subject) if caller.role == "account" else None
        reader = reader_for(caller, database)
        found = await reading.circuits(reader, owner, after=after[0] if after else "", most=limit + 1)
        items = [shapes.circuit_view(c).model_dump() for c in found]
        following = encode_cursor(found[min(limit, len(found)) - 1].id) if found else None
        return json(page(items, limit=limit, next_cursor=following))


def _add_commands(router: APIRouter, desk: Desk) -> None:
    async def change(
        caller: Principal, id: TicketId, verb: str, body: Any, key: str | None, decide: Decide
    ) -> Response:
        asked = request_of(caller, key, f"POST /v1/tickets/{id}/{verb}", body.model_dump(mode="json"))
        changed = await desk.change(
            Change(id, caller.actor, decide, partial(changes, caller), asked, caller.origin.salted())
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
