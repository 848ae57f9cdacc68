"""A ticket's statement, signed as it is asked for: JSON that can be checked offline, or the same as a page.

Whoever may read the ticket may read it: it says nothing that the ticket's log and the SLA clock don't say.
"""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field
from sqlalchemy import bindparam, select

from services.intake.reads.routes import visible
from services.intake.reads.statement_shapes import StatementView
from shared.audit.signing import Signer
from shared.auth.principal import Principal
from shared.auth.reading import reader_for
from shared.clock import Clock
from shared.contracts.vocabulary import Lang
from shared.db import port
from shared.db.statement import Query as Statement
from shared.ids import TICKET_PATTERN, TicketId
from shared.registry.store import Registry
from shared.registry.tables import accounts
from shared.statement.document import Name, Names, body, codes_in
from shared.statement.page import CONTENT_POLICY, page
from shared.statement.sealing import sealed
from shared.tickets import store as tickets
from shared.web.accept import preferred
from shared.web.answers import json
from shared.web.routes import READ_PROBLEMS, StrictRoute, allow, problems

TicketPath = Annotated[TicketId, Path(pattern=TICKET_PATTERN, examples=["VT261121-7K3QM9XA"])]
Reader = Annotated[Principal, Depends(allow("account", "operator", needs="tickets:read"))]
Anybody = Annotated[Principal, Depends(allow("account", "operator", "network", needs="tickets:read"))]
Language = Annotated[Lang | None, Query(description="Of the page; else the reader's Accept-Language decides")]
Asked = Annotated[str | None, Header(include_in_schema=False)]
NAME = Statement(select(accounts.c.name_zh, accounts.c.name_en).where(accounts.c.id == bindparam("account")))
PROBLEMS = {**problems(422), **READ_PROBLEMS}
HTML: dict[str, Any] = {"text/html": {"schema": {"type": "string"}}}
FORMS = ("application/json", "text/html")


class StatementKey(BaseModel):
    """What statements and the audit trail's anchors are signed with: raw bytes in hex."""

    algorithm: str = "Ed25519"
    public_key: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def statement_routes(database: port.Database, registry: Registry, clock: Clock, signer: Signer) -> APIRouter:
    router, desk = APIRouter(route_class=StrictRoute, tags=["tickets"]), _Statements(database, registry, clock, signer)

    @router.get(
        "/v1/tickets/{id}/statement", response_model=StatementView, summary="All of it, signed, to be checked offline",
        responses={200: {"content": HTML}, **PROBLEMS},
    )  # fmt: skip
    async def read_statement(
        caller: Reader, id: TicketPath, lang: Language = None, accept: Asked = None, accept_language: Asked = None
    ) -> Response:
        """As a page for those who ask for `text/html`."""
        said = await desk.of(caller, id)
        varies = {"Vary": "Accept, Accept-Language"}
        if preferred(accept, FORMS) == "text/html":
            return await _page(said, lang or language(accept_language), varies)
        return json(said, headers=varies)

    @router.get(
        "/v1/tickets/{id}/statement.html", response_class=HTMLResponse, responses=PROBLEMS,
        summary="The statement as a page to print",
    )  # fmt: skip
    async def read_statement_page(
        caller: Reader, id: TicketPath, lang: Language = None, accept_language: Asked = None
    ) -> Response:
        said = await desk.of(caller, id)
        return await _page(said, lang or language(accept_language), {"Vary": "Accept-Language"})

    @router.get(
        "/v1/statement-key", responses=problems(401, 403, 503), summary="The key that statements are signed with"
    )
    async def read_statement_key(caller: Anybody) -> StatementKey:
        return StatementKey(public_key=signer.public_key)

    return router


class _Statements:
    def __init__(self, database: port.Database, registry: Registry, clock: Clock, signer: Signer) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock
        self._signer = signer

    async def of(self, caller: Principal, id: TicketId) -> dict[str, Any]:
        """Raises NotFound. Made in a thread: a log may be long, and everybody else's answer waits meanwhile."""
        reader = reader_for(caller, self._database)
        ticket = await visible(reader, caller, id)
        log = await tickets.entries(reader, id, most=tickets.ALL)
        named = await reader.fetch(NAME, account=ticket.account)
        account = Name(named[0]["name_zh"], named[0]["name_en"]) if named else None
        now = self._clock.now()

        def make() -> dict[str, Any]:
            found = ((code, self._registry.network(code)) for code in sorted(codes_in(log)))
            networks = {code: Name(network.name_zh, network.name_en) for code, network in found if network}
            return sealed(body(log, now, Names(account, networks)), self._signer)

        return await asyncio.to_thread(make)


async def _page(said: dict[str, Any], lang: Lang, headers: dict[str, str]) -> Response:
    made = await asyncio.to_thread(page, said, lang)
    return HTMLResponse(made, headers={**headers, "Content-Security-Policy": CONTENT_POLICY})


def language(accept_language: str | None) -> Lang:
    return "zh" if preferred(accept_language, ("en", "zh")) == "zh" else "en"
