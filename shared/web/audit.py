"""`/v1/audit`: what auditors and administrators read. Nothing here changes anything."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel

from shared.audit import store
from shared.audit.reading import act_view, step_view
from shared.audit.trail import Action
from shared.auth.principal import Principal
from shared.clock import to_ms
from shared.contracts.instant import Instant
from shared.db.port import Database
from shared.errors import NotFound
from shared.ids import TICKET_PATTERN, TicketId
from shared.tickets import store as tickets
from shared.web.answers import json
from shared.web.pages import Cursor, Limit, decode_cursor, encode_cursor, page
from shared.web.routes import LIST_PROBLEMS, READ_PROBLEMS, StrictRoute, allow

Auditor = Annotated[Principal, Depends(allow("operator", needs="audit:read"))]
Name = Annotated[str | None, Query(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f]+$")]
Since = Annotated[Instant | None, Query(description="Not before this instant")]
Until = Annotated[Instant | None, Query(description="Before this instant")]


class ActView(BaseModel):
    """`hash` chains it to the one before (docs/architecture/audit.md)."""

    position: int
    at: datetime
    actor: str
    credential: str
    address: str
    action: Action
    object: str
    details: dict[str, Any]
    hash: str


class ActPage(BaseModel):
    items: list[ActView]
    next: str | None


class StepView(BaseModel):
    """A step of a ticket's log: `credential` and `address` are empty where the center acted by itself."""

    seq: int
    at: datetime
    type: str
    actor: str
    credential: str
    address: str
    hash: str


class StepPage(BaseModel):
    items: list[StepView]
    next: str | None


def audit_routes(database: Database) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["audit"])

    @router.get("/v1/audit", response_model=ActPage, responses=LIST_PROBLEMS)
    async def list_acts(
        caller: Auditor, actor: Name = None, action: Action | None = None, object: Name = None, since: Since = None,
        until: Until = None, limit: Limit = 50, cursor: Cursor = None,
    ) -> Response:  # fmt: skip
        """Who did what that is no step of a ticket, newest first."""
        before = decode_cursor(cursor, int)
        rows = await store.newest(
            database, before=before[0] if before else None, actor=actor, action=action, object=object,
            since_ms=to_ms(since) if since else None, until_ms=to_ms(until) if until else None, most=limit + 1,
        )  # fmt: skip
        following = encode_cursor(rows[min(limit, len(rows)) - 1]["position"]) if rows else None
        return json(page([act_view(row) for row in rows], limit=limit, next_cursor=following))

    @router.get("/v1/audit/tickets/{id}", response_model=StepPage, responses={**LIST_PROBLEMS, **READ_PROBLEMS})
    async def list_steps(
        caller: Auditor,
        id: Annotated[TicketId, Path(pattern=TICKET_PATTERN)],
        limit: Limit = 200,
        cursor: Cursor = None,
    ) -> Response:
        """From where and by which key each step of a ticket came, in order."""
        after = decode_cursor(cursor, int)
        entries = await tickets.entries(
            database, id, after=min(max(after[0], 0), 2**31 - 1) if after else 0, most=limit + 1
        )
        if not entries and after is None:
            raise NotFound()
        following = encode_cursor(entries[min(limit, len(entries)) - 1].seq) if entries else None
        return json(page([step_view(entry) for entry in entries], limit=limit, next_cursor=following))

    return router
