"""What is read: tickets, their logs, circuits. What a caller may not know of is 404, and in no list."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response

from services.intake import model
from services.intake.reads import shapes, store
from shared.auth.principal import Principal
from shared.auth.reading import reader_for
from shared.clock import to_ms
from shared.contracts.event import public
from shared.db import port
from shared.errors import NotFound
from shared.ids import TICKET_PATTERN, AccountId, TicketId
from shared.origin import digest_of
from shared.registry import reading
from shared.tickets import store as tickets
from shared.tickets.model import Status, Ticket
from shared.tickets.view import TicketView, ticket_bytes, ticket_view
from shared.web.answers import json
from shared.web.pages import Cursor, Limit, OfEntry, decode_cursor, encode_cursor, page
from shared.web.routes import LIST_PROBLEMS, READ_PROBLEMS, StrictRoute, allow

TicketPath = Annotated[TicketId, Path(pattern=TICKET_PATTERN, examples=["VT261121-7K3QM9XA"])]
Lister = Annotated[Principal, Depends(allow("account", "operator", needs="tickets:read"))]
Reader = Annotated[Principal, Depends(allow("account", "operator", "network", needs="tickets:read"))]
JSON = "application/json"


async def visible(database: port.Reader, principal: Principal, id: TicketId) -> Ticket:
    ticket = await tickets.get(database, id)
    if ticket is None or not model.sees(principal, ticket):
        raise NotFound()
    return ticket


def read_routes(database: port.Database) -> APIRouter:
    router = APIRouter(route_class=StrictRoute)

    @router.get("/v1/tickets", response_model=shapes.TicketPage, responses=LIST_PROBLEMS, tags=["tickets"])
    async def list_tickets(
        caller: Lister,
        status: Status | None = None,
        circuit: OfEntry = None,
        account: OfEntry = None,
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

    return router
