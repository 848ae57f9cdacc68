"""The follow-ups' routes: the customer's answer, the open cases, what was done about them, the quarter's survey."""

from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from services.dispatcher.follow_up import model, shapes, store
from services.dispatcher.follow_up.desk import FollowUps
from services.dispatcher.follow_up.surveying import Surveys
from shared.auth.principal import Principal
from shared.clock import Clock, rfc3339
from shared.contracts import satisfaction as sat
from shared.contracts.instant import Instant
from shared.db.port import Database
from shared.errors import FieldError, InvalidInput
from shared.ids import TICKET_PATTERN, TicketId
from shared.tickets.changes import Change, Changed, Decide
from shared.tickets.model import Ticket
from shared.tickets.view import TicketView, ticket_bytes
from shared.web.answers import json
from shared.web.idempotency import REPLAYED, IdempotencyKey, request_of
from shared.web.pages import Cursor, Limit, decode_cursor, encode_cursor, page
from shared.web.routes import DONE_OR_PROBLEMS, LIST_PROBLEMS, StrictRoute, allow

Customer = Annotated[Principal, Depends(allow("account", "operator", needs="reports:write"))]
Account = Annotated[Principal, Depends(allow("account", needs="reports:write"))]
Reader = Annotated[Principal, Depends(allow("account", needs="tickets:read"))]
Owner = Annotated[Principal, Depends(allow("operator", needs="tickets:write"))]
OperatorReader = Annotated[Principal, Depends(allow("operator", needs="tickets:read"))]
TicketPath = Annotated[TicketId, Path(pattern=TICKET_PATTERN)]
Quarter = Annotated[str, Path(pattern=r"^20[0-9]{2}-Q[1-4]$", examples=["2026-Q4"])]
QUARTER = timedelta(days=90)
BEGINNING = (-(2**62), "")
JSON = "application/json"


def routes(desk: FollowUps, surveys: Surveys, database: Database, clock: Clock) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["follow-ups"])
    _add_commands(router, desk)
    _add_lists(router, database, clock)
    _add_surveys(router, surveys)
    return router


def _add_commands(router: APIRouter, desk: FollowUps) -> None:
    async def command(
        caller: Principal, id: TicketId, verb: str, body: Any, *, key: str | None, decide: Decide, sees: Any
    ) -> Response:
        asked = request_of(caller, key, f"POST /v1/tickets/{id}/{verb}", body.model_dump(mode="json"))
        return _answer(await desk.command(Change(id, caller.actor, decide, sees, asked, caller.origin.salted())))

    @router.post(
        "/v1/tickets/{id}/satisfaction", response_model=TicketView, responses=DONE_OR_PROBLEMS,
        summary="Whether the customer is satisfied with a closed ticket",
    )  # fmt: skip
    async def answer(
        caller: Customer, id: TicketPath, body: shapes.SatisfactionBody, idempotency_key: IdempotencyKey = None
    ) -> Response:
        """A no opens a follow-up case, which stays open until a later answer is a yes."""
        said = sat.SatisfactionAnswered(body.satisfied, body.score, body.comment)
        decide, sees = partial(model.answer, said=said, rules=desk.rules), partial(model.may_answer, caller)
        return await command(caller, id, "satisfaction", body, key=idempotency_key, decide=decide, sees=sees)

    @router.post(
        "/v1/tickets/{id}/follow-up", response_model=TicketView, responses=DONE_OR_PROBLEMS,
        summary="What was done for a customer who is not satisfied",
    )  # fmt: skip
    async def work(
        caller: Owner, id: TicketPath, body: shapes.WorkBody, idempotency_key: IdempotencyKey = None
    ) -> Response:
        decide = partial(model.work, rules=desk.rules, text=body.text, owner=body.owner, ask=body.ask)
        return await command(caller, id, "follow-up", body, key=idempotency_key, decide=decide, sees=_everybody)


def _everybody(ticket: Ticket) -> bool:
    return True


def _answer(changed: Changed) -> Response:
    headers = {REPLAYED: "true"} if changed.replayed else None
    return Response(ticket_bytes(changed.ticket), headers=headers, media_type=JSON)


def _add_lists(router: APIRouter, database: Database, clock: Clock) -> None:
    @router.get("/v1/follow-ups", response_model=shapes.CasePage, responses=LIST_PROBLEMS)
    async def read_cases(caller: OperatorReader, limit: Limit = 50, cursor: Cursor = None) -> Response:
        """Open cases of customers who are not satisfied, the first due first."""
        after = decode_cursor(cursor, int, str)
        rows = await store.cases(database, after=(after[0], after[1]) if after else BEGINNING, most=limit + 1)
        last = rows[min(limit, len(rows)) - 1] if rows else None
        following = encode_cursor(last["case_due_at"], last["ticket"]) if last else None
        return json(page([shapes.case_view(row) for row in rows], limit=limit, next_cursor=following))

    @router.get("/v1/follow-ups/summary", response_model=shapes.SummaryView, responses=LIST_PROBLEMS)
    async def read_summary(
        caller: OperatorReader,
        by: store.By = "tier",
        since: Annotated[Instant | None, Query(description="Left out: 90 days before `until`")] = None,
        until: Annotated[Instant | None, Query(description="Left out: now")] = None,
    ) -> Response:
        """What customers answered about the tickets closed in a span, by tier, network or cause."""
        end: datetime = until or clock.now()
        begin: datetime = since or end - QUARTER
        if begin > end:
            raise InvalidInput(FieldError("query:since", "is after until"))
        found = await store.summary(database, by, since=begin, until=end)
        items = [shapes.tally_view(tally) for tally in found]
        return json({"since": rfc3339(begin), "until": rfc3339(end), "items": items})


def _add_surveys(router: APIRouter, surveys: Surveys) -> None:
    @router.get("/v1/surveys", response_model=shapes.SurveyList, responses=LIST_PROBLEMS)
    async def read_surveys(caller: Reader) -> Response:
        """The quarters in which you were asked how you find the service, the newest first."""
        return json({"items": [shapes.survey_view(s) for s in await surveys.of(caller.subject)]})

    @router.post(
        "/v1/surveys/{quarter}", response_model=shapes.SurveyView, responses=DONE_OR_PROBLEMS,
        summary="Answer a survey",
    )  # fmt: skip
    async def answer_survey(
        caller: Account, quarter: Quarter, body: shapes.SurveyBody, idempotency_key: IdempotencyKey = None
    ) -> Response:
        asked = request_of(caller, idempotency_key, f"POST /v1/surveys/{quarter}", body.model_dump(mode="json"))
        said = sat.SurveyAnswered(quarter, body.score, body.comment)
        answered, replayed = await surveys.answer(said, by=caller, request=asked)
        return json(shapes.survey_view(answered), headers={REPLAYED: "true"} if replayed else None)
