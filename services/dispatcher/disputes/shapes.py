"""The bodies and answers about disputed suspensions, documented by OpenAPI."""

from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from shared.clock import from_ms, rfc3339
from shared.contracts.facts import SuspendReason
from shared.contracts.progress import Written
from shared.db.statement import Row


class ReasonBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Written


class DisputedView(BaseModel):
    """A suspension that stopped the clock and is undecided. `cause`: somebody disputes it, or it has no evidence."""

    ticket: str
    suspension: Annotated[int, Field(description="Its entry in the ticket's log")]
    account: str
    network: str
    reason: SuspendReason
    evidence: str | None
    suspended_at: datetime
    suspended_by: str
    cause: Literal["disputed", "no_evidence"]
    disputed_at: datetime
    disputed_by: str
    objection: str | None


class DisputedPage(BaseModel):
    items: list[DisputedView]
    next: str | None


def disputed_view(row: Row) -> dict[str, Any]:
    whose = {"ticket": row["ticket"], "suspension": row["suspension"], "account": row["account"]}
    return {**whose, "disputed_at": rfc3339(from_ms(row["at"])), **orjson.loads(row["data"])}
