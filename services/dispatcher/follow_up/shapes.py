"""The bodies and answers of the follow-ups' routes, documented by OpenAPI."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from services.dispatcher.follow_up.store import Survey, Tally
from shared.auth.permissions import Duty
from shared.clock import from_ms, rfc3339
from shared.contracts.progress import Written
from shared.db.statement import Row


def _whole(number: object) -> object:
    """To JSON 4.0 is 4."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


Score = Annotated[
    int, Field(strict=True, ge=1, le=5, description="1 is the worst, 5 the best"), BeforeValidator(_whole)
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SatisfactionBody(_Body):
    satisfied: StrictBool
    score: Score | None = None
    comment: Written | None = None


class WorkBody(_Body):
    text: Annotated[Written, Field(description="What was done, for the customer to read")]
    owner: Annotated[Duty | None, Field(description="Whose it is from here on; left out: as before")] = None
    ask: Annotated[StrictBool, Field(description="Ask the customer again, now")] = False


class SurveyBody(_Body):
    score: Score
    comment: Written | None = None


class CaseView(BaseModel):
    """An open follow-up case: a customer who is not satisfied with a closed ticket."""

    ticket: str
    account: str
    tier: str
    network: str | None
    cause: str | None
    closed_at: datetime
    owner: str
    due_at: datetime
    score: int | None


class CasePage(BaseModel):
    items: list[CaseView]
    next: str | None


class TallyView(BaseModel):
    """Tickets closed in the span, by what their customers said. `share_satisfied` is of those who answered."""

    group: str
    satisfied: int
    dissatisfied: int
    unanswered: int
    asked: int
    not_asked: int
    share_satisfied: float | None


class SummaryView(BaseModel):
    since: datetime
    until: datetime
    items: list[TallyView]


class SurveyView(BaseModel):
    account: str
    quarter: str
    ticket: str
    asked_at: datetime
    answer_by: datetime
    answered_at: datetime | None
    score: int | None
    comment: str | None


class SurveyList(BaseModel):
    items: list[SurveyView]


def case_view(row: Row) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("ticket", "account", "tier", "owner", "score")},
        "network": row["network"] or None, "cause": row["cause"] or None,
        "closed_at": rfc3339(from_ms(row["closed_at"])), "due_at": rfc3339(from_ms(row["case_due_at"])),
    }  # fmt: skip


def tally_view(tally: Tally) -> dict[str, Any]:
    answered = tally.satisfied + tally.dissatisfied
    return {**asdict(tally), "share_satisfied": round(tally.satisfied / answered, 4) if answered else None}


def survey_view(survey: Survey) -> dict[str, Any]:
    instants = {name: getattr(survey, name) for name in ("asked_at", "answer_by", "answered_at")}
    return {**asdict(survey), **{name: rfc3339(at) if at else None for name, at in instants.items()}}
