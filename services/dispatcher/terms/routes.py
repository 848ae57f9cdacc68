"""`POST /v1/tickets/{id}/terms`: other terms from here on, for the whole of the ticket."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.dispatcher.terms.desk import TermsDesk
from shared.auth.principal import Principal
from shared.contracts.facts import Impact
from shared.contracts.progress import Written
from shared.ids import TICKET_PATTERN, TicketId
from shared.tickets.retargeting import Asked
from shared.tickets.view import TicketView, ticket_bytes
from shared.web.idempotency import REPLAYED, IdempotencyKey, request_of
from shared.web.routes import DONE_OR_PROBLEMS, StrictRoute, allow

Judge = Annotated[Principal, Depends(allow("operator", needs="sla:decide"))]
TicketPath = Annotated[TicketId, Path(pattern=TICKET_PATTERN)]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\s+]+$")]
CHANGES = ("tier", "impact", "policy", "calendar")


def _some(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [{"required": [name], "properties": {name: {"type": "string"}}} for name in CHANGES]


class TermsBody(BaseModel):
    """At least one of the four; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_some)

    reason: Written
    tier: Name | None = None
    impact: Impact | None = None
    policy: Annotated[Name | None, Field(description="A version of the SLA policy that is on file")] = None
    calendar: Annotated[Name | None, Field(description="One of that version, or 24x7")] = None

    @model_validator(mode="after")
    def _changes(self) -> "TermsBody":
        if all(getattr(self, name) is None for name in CHANGES):
            raise ValueError(f"give at least one of {', '.join(CHANGES)}")
        return self


def routes(desk: TermsDesk) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["terms"])

    @router.post(
        "/v1/tickets/{id}/terms", response_model=TicketView, responses=DONE_OR_PROBLEMS,
        summary="Another tier, impact, policy version or calendar, with a reason",
    )  # fmt: skip
    async def change_terms(
        caller: Judge, id: TicketPath, body: TermsBody, idempotency_key: IdempotencyKey = None
    ) -> Response:
        asked = request_of(caller, idempotency_key, f"POST /v1/tickets/{id}/terms", body.model_dump(mode="json"))
        changed = await desk.change(id, Asked(**body.model_dump()), by=caller, request=asked)
        headers = {REPLAYED: "true"} if changed.replayed else None
        return Response(ticket_bytes(changed.ticket), headers=headers, media_type="application/json")

    return router
