"""`/v1/desk/lookup`: whoever is calling, found in one question, with what the desk must know before it answers."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy import bindparam, select

from services.intake.registry import shapes
from services.intake.registry.accounts import Accounts, Matched
from shared.auth.principal import Principal
from shared.clock import from_ms, rfc3339
from shared.db import statement
from shared.db.port import Database
from shared.db.statement import any_of
from shared.ids import AccountId
from shared.registry import history
from shared.tickets.store import STATE
from shared.tickets.tables import ticket_log as log
from shared.tickets.tables import tickets as t
from shared.web.answers import json
from shared.web.routes import LIST_PROBLEMS, StrictRoute, allow

Desk = Annotated[Principal, Depends(allow("operator", needs="tickets:read"))]
MOST_FOUND = 10
TICKETS = 20
CONTACTS = 5
SAID = {"ticket.reported": "description", "ticket.report_joined": "description", "ticket.noted": "text"}
OPEN = statement.Query(
    select(t.c.state)
    .where(t.c.account == bindparam("account"), t.c.over_at.is_(None))
    .order_by(t.c.opened_at.desc(), t.c.id.desc())
    .limit(bindparam("most"))
)
NEWEST = statement.Query(
    select(t.c.id)
    .where(t.c.account == bindparam("account"))
    .order_by(t.c.opened_at.desc(), t.c.id.desc())
    .limit(bindparam("most"))
)
LAST_SAID = statement.Query(
    select(log.c.ticket, log.c.at, log.c.type, log.c.actor, log.c.data)
    .where(any_of(log.c.ticket, "tickets"), any_of(log.c.type, "types"))
    .order_by(log.c.at.desc(), log.c.ticket.desc(), log.c.seq.desc())
    .limit(bindparam("most"))
)


def routes(database: Database, accounts: Accounts) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["desk"])

    @router.get("/v1/desk/lookup", response_model=shapes.Found, responses=LIST_PROBLEMS)
    async def look_up(
        caller: Desk,
        q: Annotated[
            str, Query(min_length=2, max_length=100, description="Part of a name, a telephone number, or a circuit")
        ],
    ) -> Response:
        """Accounts by name, contact's number or circuit: tier, notes, manager, open tickets, last contacts."""
        found = await accounts.find(q, most=MOST_FOUND + 1)
        items = [item for of in found[:MOST_FOUND] if (item := await _card(database, *of))]
        answer = {"items": items, "more": len(found) > MOST_FOUND}
        return json(answer)

    return router


async def _card(database: Database, id: AccountId, matched: Matched) -> Mapping[str, Any] | None:
    """None when it was removed a moment ago."""
    account = await history.entry(database, "account", id)
    if account is None:
        return None
    return {
        "matched": matched,
        "account": account,
        "open_tickets": await _open_tickets(database, id),
        "last_contacts": await _last_contacts(database, id),
    }


async def _open_tickets(database: Database, account: AccountId) -> Sequence[Mapping[str, Any]]:
    rows = await database.fetch(OPEN, account=account, most=TICKETS)
    return [
        {
            "id": ticket.id, "circuit": ticket.circuit, "status": ticket.status, "impact": ticket.impact,
            "opened_at": rfc3339(ticket.opened_at), "description": ticket.description,
        }
        for ticket in (STATE.validate_json(row["state"]) for row in rows)
    ]  # fmt: skip


async def _last_contacts(database: Database, account: AccountId) -> Sequence[Mapping[str, Any]]:
    """What was last reported or noted, on the account's newest tickets."""
    newest = [row["id"] for row in await database.fetch(NEWEST, account=account, most=TICKETS)]
    rows = await database.fetch(LAST_SAID, tickets=newest, types=list(SAID), most=CONTACTS) if newest else ()
    return [
        {
            "ticket": row["ticket"], "at": rfc3339(from_ms(row["at"])), "type": row["type"], "actor": row["actor"],
            "text": orjson.loads(row["data"])[SAID[row["type"]]],
        }
        for row in rows
    ]  # fmt: skip
