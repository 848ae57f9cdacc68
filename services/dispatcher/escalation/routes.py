"""The doors of escalations: the customer asks, the NOC escalates by hand, whoever is told acknowledges."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from services.dispatcher.escalation import commands, shapes, store
from services.dispatcher.escalation.rules import EscalationRules
from shared.auth.principal import Principal
from shared.clock import Clock
from shared.db.port import Database
from shared.ids import TICKET_PATTERN, NetworkCode, TicketId
from shared.registry.store import Registry
from shared.tickets.changes import Change, Changed, Changes
from shared.tickets.view import TicketView, ticket_bytes
from shared.web.answers import json
from shared.web.idempotency import REPLAYED, IdempotencyKey, request_of
from shared.web.pages import Cursor, Limit, decode_cursor, encode_cursor, page
from shared.web.routes import DONE_OR_PROBLEMS, LIST_PROBLEMS, StrictRoute, allow

Customer = Annotated[Principal, Depends(allow("account", "operator", needs="reports:write"))]
NocReader = Annotated[Principal, Depends(allow("operator", needs="noc:read"))]
NocRouter = Annotated[Principal, Depends(allow("operator", needs="noc:route"))]
Answerer = Annotated[Principal, Depends(allow("network", "operator", needs="orders:work"))]
TicketPath = Annotated[TicketId, Path(pattern=TICKET_PATTERN, examples=["VT261121-7K3QM9XA"])]
SeqPath = Annotated[int, Path(ge=1, le=2**31 - 1)]
JSON = "application/json"
BEGINNING = (-(2**62), "")


class EscalationDesk:
    """Commands on escalations; `close` finishes what was taken."""

    def __init__(self, database: Database, clock: Clock, rules: EscalationRules) -> None:
        self.rules = rules
        self._commands = Changes(clock).grouped(database)

    async def together(self, changes: Sequence[Change]) -> Sequence[Changed]:
        """All of them, each by itself. Raises Unavailable when one of them could not be done."""
        return await asyncio.gather(*map(self._commands.submit, changes))

    async def change(self, change: Change) -> Response:
        changed = await self._commands.submit(change)
        headers = {REPLAYED: "true"} if changed.replayed else None
        return Response(ticket_bytes(changed.ticket), headers=headers, media_type=JSON)

    async def close(self) -> None:
        await self._commands.close()


def routes(desk: EscalationDesk, database: Database, registry: Registry, clock: Clock) -> APIRouter:
    router = APIRouter(route_class=StrictRoute)
    _add_chase(router, desk)
    _add_noc(router, desk)
    _add_list(router, database, registry, clock)
    return router


def _add_chase(router: APIRouter, desk: EscalationDesk) -> None:
    @router.post(
        "/v1/tickets/{id}/chase", response_model=TicketView, responses=DONE_OR_PROBLEMS, tags=["tickets"],
        summary="Where does it stay? (催单)",
    )  # fmt: skip
    async def chase(
        caller: Customer, id: TicketPath, body: shapes.ChaseBody | None = None, idempotency_key: IdempotencyKey = None
    ) -> Response:
        body = body or shapes.ChaseBody()
        asked = request_of(caller, idempotency_key, f"POST /v1/tickets/{id}/chase", body.model_dump(mode="json"))
        decide = partial(commands.chase, text=body.text, rules=desk.rules)
        sees = partial(commands.may_chase, caller)
        return await desk.change(Change(id, caller.actor, decide, sees, asked, caller.origin.salted()))


def _add_noc(router: APIRouter, desk: EscalationDesk) -> None:
    @router.post(
        "/v1/tickets/{id}/escalate", response_model=TicketView, responses=DONE_OR_PROBLEMS, tags=["noc"],
        summary="Tell this level now",
    )  # fmt: skip
    async def escalate_by_hand(
        caller: NocRouter, id: TicketPath, body: shapes.EscalateBody, idempotency_key: IdempotencyKey = None
    ) -> Response:
        asked = request_of(caller, idempotency_key, f"POST /v1/tickets/{id}/escalate", body.model_dump(mode="json"))
        decide = partial(commands.escalate, level=body.level, reason=body.reason, tell=body.tell, rules=desk.rules)
        return await desk.change(Change(id, caller.actor, decide, request=asked, origin=caller.origin.salted()))

    @router.post(
        "/v1/tickets/{id}/escalations/{seq}/acknowledge", response_model=TicketView, responses=DONE_OR_PROBLEMS,
        tags=["orders"], summary="Somebody has taken it up: nobody is told again",
    )  # fmt: skip
    async def acknowledge_escalation(
        caller: Answerer,
        id: TicketPath,
        seq: SeqPath,
        body: shapes.AcknowledgeBody | None = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        body = body or shapes.AcknowledgeBody()
        what = f"POST /v1/tickets/{id}/escalations/{seq}/acknowledge"
        asked = request_of(caller, idempotency_key, what, body.model_dump(mode="json"))
        network = NetworkCode(caller.subject) if caller.role == "network" else None
        decide = partial(commands.acknowledge, seq=seq, note=body.note, network=network)
        sees = partial(commands.may_answer, caller)
        return await desk.change(Change(id, caller.actor, decide, sees, asked, caller.origin.salted()))


def _add_list(router: APIRouter, database: Database, registry: Registry, clock: Clock) -> None:
    @router.get("/v1/noc/escalations", response_model=shapes.EscalationPage, responses=LIST_PROBLEMS, tags=["noc"])
    async def read_escalations(caller: NocReader, limit: Limit = 50, cursor: Cursor = None) -> Response:
        """What was escalated and nobody acknowledged, the most urgent first, with whom to call."""
        after = decode_cursor(cursor, int, str)
        found = await store.waiting(database, after=(after[0], after[1]) if after else BEGINNING, most=limit + 1)
        accounts, now = await store.accounts(database, {ticket.account for ticket, _ in found}), clock.now()
        items = []
        for ticket, standing in found:
            about = ticket.escalation.networks if ticket.escalation else ()
            networks = [(code, registry.network(code)) for code in about]
            account = accounts.get(ticket.account)
            items.append(shapes.escalation_view(ticket, standing, networks, account, now=now))
        last = found[min(limit, len(found)) - 1] if found else None
        following = encode_cursor(last[1].rank_at, last[0].id) if last else None
        return json(page(items, limit=limit, next_cursor=following))
