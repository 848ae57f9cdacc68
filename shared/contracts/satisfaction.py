"""Facts of what comes after a ticket was closed: question, answer, case, survey."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class FollowUpAsked:
    """After the ticket was closed the customer is asked whether it is satisfied (回访), for the `times`-th time."""

    times: int
    answer_by: datetime


@dataclass(frozen=True, slots=True)
class FollowUpUnanswered:
    """It was asked so often and said nothing: counted as not answered."""

    times: int


@dataclass(frozen=True, slots=True)
class SatisfactionAnswered:
    """`score` is from 1 (worst) to 5."""

    satisfied: bool
    score: int | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class FollowUpOpened:
    """The customer is not satisfied: a case of `owner`, a duty, with a deadline; open until the customer says it is."""

    owner: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class FollowUpWorked:
    """What was done about a dissatisfied customer, and whose it is and until when from here on."""

    text: str
    owner: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class FollowUpLate:
    """The owner's time is over, and the customer is still not satisfied; `times` it has been said."""

    owner: str
    times: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class SurveyAsked:
    """Once a quarter (`2026-Q4`) an account is asked how it finds the service, on its latest ticket."""

    quarter: str
    answer_by: datetime


@dataclass(frozen=True, slots=True)
class SurveyAnswered:
    """`score` is from 1 (worst) to 5."""

    quarter: str
    score: int
    comment: str | None = None
