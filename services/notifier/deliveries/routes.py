"""The log of a subscription's deliveries, its dead letters, a test of its receiver, and replays."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.notifier.deliveries import shapes
from services.notifier.handlers.replaying import ReplayDesk
from services.notifier.handlers.trial import TrialDesk
from services.notifier.store import history
from services.notifier.store import subscriptions as store
from services.notifier.subscriptions.routes import Caller, IdPath
from shared.auth.reading import reader_for
from shared.db.port import Database
from shared.errors import NotFound
from shared.ids import TICKET_PATTERN, AccountId
from shared.web.answers import json
from shared.web.pages import Cursor, Limit, decode_cursor, encode_cursor, page
from shared.web.routes import LIST_PROBLEMS, READ_PROBLEMS, WRITE_PROBLEMS, StrictRoute

OF_ONE = {**LIST_PROBLEMS, **READ_PROBLEMS}
TicketQuery = Annotated[str | None, Query(pattern=TICKET_PATTERN, description="Only this ticket's")]


def delivery_routes(replays: ReplayDesk, trials: TrialDesk, database: Database) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["subscriptions"])
    _add_reads(router, database)

    @router.post(
        "/v1/subscriptions/{id}/test", response_model=shapes.TestView, responses=WRITE_PROBLEMS,
        summary="Send a test message now, and answer what came of it",
    )  # fmt: skip
    async def test(caller: Caller, id: IdPath) -> Response:
        """Its type is `subscription.test`; it takes as long as the receiver takes, 15 s at the most. Taken after
        an outage, it brings what is owed."""
        return json(shapes.test_view(await trials.test(caller, id)))

    @router.post(
        "/v1/subscriptions/{id}/replay", status_code=202, response_model=shapes.ReplayView,
        responses=WRITE_PROBLEMS, summary="Send again an event, a ticket, what happened since, or what was given up",
    )  # fmt: skip
    async def replay(caller: Caller, id: IdPath, body: shapes.ReplayBody) -> Response:
        """In order within each ticket, beside what happens now, under the same ids as before; retried like anything."""
        return json(shapes.replay_view(await replays.replay(caller, id, body.what())), 202)

    return router


def _add_reads(router: APIRouter, database: Database) -> None:
    @router.get(
        "/v1/subscriptions/{id}/deliveries", response_model=shapes.AttemptPage, responses=OF_ONE,
        summary="Every attempt, the newest first",
    )  # fmt: skip
    async def deliveries(
        caller: Caller, id: IdPath, ticket: TicketQuery = None, limit: Limit = 50, cursor: Cursor = None
    ) -> Response:
        reader, before = reader_for(caller, database), decode_cursor(cursor, int)
        if await store.get(reader, id, AccountId(caller.subject)) is None:
            raise NotFound()
        rows = await history.tried(reader, id, ticket=ticket, before=before[0] if before else None, most=limit + 1)
        following = encode_cursor(rows[min(limit, len(rows)) - 1]["number"]) if rows else None
        return json(page([shapes.attempt_view(row) for row in rows], limit=limit, next_cursor=following))

    @router.get(
        "/v1/subscriptions/{id}/dead-letters", response_model=shapes.DeadLetterPage, responses=OF_ONE,
        summary="What was given up, the newest first; kept for 30 days at least",
    )  # fmt: skip
    async def dead_letters(caller: Caller, id: IdPath, limit: Limit = 50, cursor: Cursor = None) -> Response:
        reader, before = reader_for(caller, database), decode_cursor(cursor, int, str, int)
        if await store.get(reader, id, AccountId(caller.subject)) is None:
            raise NotFound()
        rows = await history.dead(
            reader, id, before=(before[0], before[1], before[2]) if before else None, most=limit + 1
        )
        last = rows[min(limit, len(rows)) - 1] if rows else None
        following = encode_cursor(last["at"], last["ticket"], last["seq"]) if last else None
        return json(page([shapes.dead_letter_view(row) for row in rows], limit=limit, next_cursor=following))
