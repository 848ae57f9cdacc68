"""`/v1/keys`: administrators issue and end keys, an account looks after its own. A key is in one answer only."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from shared.auth import store
from shared.auth.desk import GRANTS_FIELD, KeyDesk
from shared.auth.keys import KEY_ID_PATTERN, LONGEST_SUBJECT, SUBJECT_PATTERN, IssuedKey, Key, KeyTerms, State
from shared.auth.permissions import Duty, KeyRole, Scope
from shared.auth.principal import Principal
from shared.cidr import Cidr
from shared.clock import Clock, rfc3339
from shared.contracts.instant import Instant
from shared.contracts.progress import Short
from shared.db.port import Database
from shared.errors import FieldError, InvalidInput
from shared.web.answers import json
from shared.web.pages import Cursor, Limit, decode_cursor, encode_cursor, page
from shared.web.routes import LIST_PROBLEMS, READ_PROBLEMS, WRITE_PROBLEMS, StrictRoute, allow

Administrator = Annotated[Principal, Depends(allow("operator", needs="keys:manage"))]
Holder = Annotated[Principal, Depends(allow("account", "operator", needs="keys:rotate"))]
IdPath = Annotated[str, Path(pattern=KEY_ID_PATTERN, examples=["3f09c2a1b7d4"])]
Subject = Annotated[str, Field(min_length=1, max_length=LONGEST_SUBJECT, pattern=SUBJECT_PATTERN)]
DESCRIPTIONS = {
    "addresses": "CIDR networks the key may be used from; none: from everywhere",
    "scopes": "What an account's key may do",
    "duties": "What an operator's key may do",
}


class KeyBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: KeyRole
    subject: Annotated[Subject, Field(description="An account's id, an area code, or an operator's name")]
    scopes: Annotated[list[Scope], Field(max_length=10, description=DESCRIPTIONS["scopes"])] = []
    duties: Annotated[list[Duty], Field(max_length=10, description=DESCRIPTIONS["duties"])] = []
    expires_at: Instant | None = None
    addresses: Annotated[list[Cidr], Field(max_length=50, description=DESCRIPTIONS["addresses"])] = []
    label: Annotated[Short | None, Field(description="What it is for, in your words")] = None


class RotateBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    expires_at: Annotated[
        Instant | None, Field(description="Left out: the successor lives as long as this key was given")
    ] = None


class KeyView(BaseModel):
    id: str
    role: KeyRole
    subject: str
    scopes: list[str]
    duties: list[str]
    label: str | None
    addresses: list[str]
    state: State
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: Annotated[datetime | None, Field(description="Right to the minute")]


class NewKeyView(KeyView):
    key: Annotated[str, Field(description="What to send as `Authorization: Bearer <key>`. Shown only here")]


class KeyPage(BaseModel):
    items: list[KeyView]
    next: str | None


def key_view(key: Key, now: datetime) -> dict[str, Any]:
    def at(instant: datetime | None) -> str | None:
        return rfc3339(instant) if instant else None

    t = key.terms
    grants = sorted(t.grants)
    return {
        "id": key.id, "role": t.role, "subject": t.subject, "scopes": grants if t.role == "account" else [],
        "duties": grants if t.role == "operator" else [], "label": t.label or None,
        "addresses": [str(network) for network in t.addresses], "state": key.state(now),
        "created_at": rfc3339(key.created_at), "expires_at": at(t.expires_at), "revoked_at": at(key.revoked_at),
        "last_used_at": at(key.last_used_at),
    }  # fmt: skip


def key_routes(desk: KeyDesk, database: Database, clock: Clock) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["keys"])
    _add_list(router, database, clock)

    def told(issued: IssuedKey) -> Response:
        body = {**key_view(issued.record, clock.now()), "key": issued.key}
        return json(body, 201, {"Cache-Control": "no-store"})

    @router.post(
        "/v1/keys", status_code=201, response_model=NewKeyView, responses=WRITE_PROBLEMS, summary="Issue a key"
    )
    async def issue_key(caller: Administrator, body: KeyBody) -> Response:
        """The key is in this answer and in no other."""
        return told(await desk.issue(_terms(body), by=caller))

    @router.post(
        "/v1/keys/{id}/rotate", status_code=201, response_model=NewKeyView, responses=WRITE_PROBLEMS,
        summary="A successor on the same terms; both work until the first is ended",
    )  # fmt: skip
    async def rotate_key(caller: Holder, id: IdPath, body: RotateBody | None = None) -> Response:
        """An account may rotate those of its keys that may do no more than the key it sends."""
        expires_at = body.expires_at if body else None
        return told(await desk.rotate(id, by=caller, expires_at=expires_at))

    @router.delete("/v1/keys/{id}", status_code=204, responses=READ_PROBLEMS, summary="The key opens nothing any more")
    async def revoke_key(caller: Holder, id: IdPath) -> Response:
        """Here at once, in every other process within 5 seconds; open streams end too."""
        await desk.revoke(id, by=caller)
        return Response(status_code=204)

    return router


def _add_list(router: APIRouter, database: Database, clock: Clock) -> None:
    @router.get("/v1/keys", response_model=KeyPage, responses=LIST_PROBLEMS)
    async def list_keys(
        caller: Holder,
        role: KeyRole | None = None,
        subject: Annotated[str | None, Query(max_length=LONGEST_SUBJECT, pattern=SUBJECT_PATTERN)] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Response:
        """Newest first, with those that are over. `role` and `subject` are for operators; an account sees its own."""
        whose = (caller.role, caller.subject) if caller.role == "account" else (role, subject)
        before = decode_cursor(cursor, int, str)
        found = await store.newest(
            database, role=whose[0], subject=whose[1], before=(before[0], before[1]) if before else None, most=limit + 1
        )
        following = encode_cursor(*store.place(found[min(limit, len(found)) - 1])) if found else None
        items = [key_view(key, clock.now()) for key in found]
        return json(page(items, limit=limit, next_cursor=following))


def _terms(body: KeyBody) -> KeyTerms:
    """Raises InvalidInput when scopes or duties are given to somebody who has none."""
    given: dict[Literal["scopes", "duties"], list[Any]] = {"scopes": body.scopes, "duties": body.duties}
    for name, grants in given.items():
        if grants and name != GRANTS_FIELD[body.role]:
            raise InvalidInput(FieldError(name, f"are not for keys of role {body.role}"))
    return KeyTerms(
        body.role, body.subject, frozenset(body.scopes) | frozenset(body.duties),
        expires_at=body.expires_at, addresses=tuple(body.addresses), label=body.label or "",
    )  # fmt: skip
