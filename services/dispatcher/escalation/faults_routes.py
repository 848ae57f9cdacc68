"""Mass faults as the NOC sees them, and how it answers for all of their tickets at once."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from services.dispatcher.escalation import commands, faults_store, shapes
from services.dispatcher.escalation.routes import EscalationDesk, NocReader
from shared.auth.principal import Principal
from shared.db.port import Database
from shared.errors import NotFound
from shared.ids import GROUP_PATTERN
from shared.registry.store import Registry
from shared.tickets.changes import Change
from shared.web.answers import json
from shared.web.pages import Cursor, Limit, decode_cursor, encode_cursor, page
from shared.web.routes import LIST_PROBLEMS, WRITE_PROBLEMS, StrictRoute, allow

NocAnswerer = Annotated[Principal, Depends(allow("operator", needs="orders:work"))]
GroupPath = Annotated[str, Path(pattern=GROUP_PATTERN, examples=["MF261121-2M8ZC4RT"])]


def routes(desk: EscalationDesk, database: Database, registry: Registry) -> APIRouter:
    router = APIRouter(route_class=StrictRoute)

    @router.get("/v1/noc/mass-faults", response_model=shapes.MassFaultPage, responses=LIST_PROBLEMS, tags=["noc"])
    async def read_mass_faults(caller: NocReader, limit: Limit = 50, cursor: Cursor = None) -> Response:
        """Several key circuits with one cause, the newest first."""
        before = decode_cursor(cursor, int, str)
        rows = await faults_store.newest(database, before=(before[0], before[1]) if before else None, most=limit + 1)
        members = await faults_store.members(database, [row["id"] for row in rows])
        last = rows[min(limit, len(rows)) - 1] if rows else None
        following = encode_cursor(last["began_at"], last["id"]) if last else None
        items = [shapes.mass_fault_view(row, registry.network(row["network"]), members[row["id"]]) for row in rows]
        return json(page(items, limit=limit, next_cursor=following))

    @router.post(
        "/v1/noc/mass-faults/{id}/acknowledge", response_model=shapes.Acknowledged, responses=WRITE_PROBLEMS,
        tags=["noc"], summary="Somebody has taken it up: nobody is told again of any of its tickets",
    )  # fmt: skip
    async def acknowledge_mass_fault(
        caller: NocAnswerer, id: GroupPath, body: shapes.AcknowledgeBody | None = None
    ) -> Response:
        found = (await faults_store.members(database, [id])).get(id)
        if not found:
            raise NotFound()
        decide = partial(commands.acknowledge_group, group=id, note=body.note if body else None)
        origin = caller.origin.salted()
        changed = await desk.together([Change(ticket, caller.actor, decide, origin=origin) for ticket in found])
        return json({"tickets": [done.ticket.id for done in changed if done.entries]})

    return router
