"""Attempts, dead letters and replays as their account sees them."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from services.notifier.handlers.replaying import DeadLetters, OneEvent, OneTicket, Replay, Since, What
from services.notifier.model.outcome import Made, named
from shared.clock import from_ms, rfc3339
from shared.contracts.instant import Instant
from shared.db.statement import Row
from shared.ids import EVENT_PATTERN, TICKET, TICKET_PATTERN, TicketId, event_id

_EVENT = re.compile(rf"({TICKET})-([0-9]+)")
Outcome = Literal["delivered", "retry", "refused", "gave_up"]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class AttemptView(BaseModel):
    """`events`: the first and the last of what went out as one message. `replay`: which; `test`: the test button."""

    at: Moment
    ticket: str
    events: list[str]
    attempt: Annotated[int, Field(description="How many it was, of this message")]
    replay: str | None
    outcome: Outcome
    reason: str
    status: Annotated[int | None, Field(description="HTTP's, or the channel's own; none: there was no answer")]
    took_ms: int
    answer: Annotated[str, Field(description="The first bytes of the answer, as text")]


class AttemptPage(BaseModel):
    items: list[AttemptView]
    next: str | None


class DeadLetterView(BaseModel):
    at: Moment
    ticket: str
    event: str
    reason: str
    attempts: int
    replayed_at: Moment | None


class DeadLetterPage(BaseModel):
    items: list[DeadLetterView]
    next: str | None


class TestView(BaseModel):
    __test__ = False

    outcome: Outcome
    reason: str
    status: int | None
    took_ms: int
    answer: str


class ReplayBody(BaseModel):
    """Exactly one of these."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=lambda schema: _one_of(schema))

    event: Annotated[str, Field(pattern=EVENT_PATTERN, examples=["VT261121-7K3QM9XA-12"])] = ""
    ticket: Annotated[str, Field(pattern=TICKET_PATTERN, description="All of it, from its first event")] = ""
    since: Annotated[Instant | None, Field(description="Every event since then")] = None
    dead_letters: Annotated[
        Literal[True] | None,
        Field(description="All that were given up and not replayed yet; what lies between two of a ticket comes again"),
    ] = None

    def what(self) -> What:
        if self.event and (found := _EVENT.fullmatch(self.event)):
            return OneEvent(TicketId(found[1]), int(found[2]))
        if self.ticket:
            return OneTicket(TicketId(self.ticket))
        return DeadLetters() if self.since is None else Since(self.since)

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(bool(getattr(self, name)) for name in self.model_fields_set) != 1 or len(self.model_fields_set) != 1:
            raise PydanticCustomError("one", "must name one of event, ticket, since, dead_letters")
        return self


class ReplayView(BaseModel):
    replay: Annotated[str, Field(description="Names it in the log of deliveries")]
    tickets: Annotated[int, Field(description="Of so many tickets, each in order")]


def _one_of(schema: dict[str, Any]) -> None:
    names = list(schema["properties"])
    schema["oneOf"] = [{"required": [name]} for name in names]
    for field in schema["properties"].values():
        field.pop("default", None)
        if "anyOf" in field:
            field |= next(kind for kind in field.pop("anyOf") if kind != {"type": "null"})


def attempt_view(row: Row) -> dict[str, object]:
    ticket = row["ticket"]
    return {
        "at": rfc3339(from_ms(row["at"])),
        "ticket": ticket,
        "events": [event_id(ticket, seq) for seq in sorted({row["seq"], row["upto"]})],
        "attempt": row["attempt"],
        "replay": row["run"] or None,
        "outcome": row["outcome"],
        "reason": row["reason"],
        "status": row["status"],
        "took_ms": row["took_ms"],
        "answer": row["answer"],
    }


def dead_letter_view(row: Row) -> dict[str, object]:
    replayed_at = row["replayed_at"]
    return {
        "at": rfc3339(from_ms(row["at"])),
        "ticket": row["ticket"],
        "event": event_id(row["ticket"], row["seq"]),
        "reason": row["reason"],
        "attempts": row["attempts"],
        "replayed_at": None if replayed_at is None else rfc3339(from_ms(replayed_at)),
    }


def test_view(made: Made) -> dict[str, object]:
    outcome, reason = named(made.attempt.outcome)
    return {
        "outcome": outcome,
        "reason": reason,
        "status": made.attempt.status,
        "took_ms": round(made.seconds * 1000),
        "answer": made.attempt.shown,
    }


def replay_view(replay: Replay) -> dict[str, object]:
    return {"replay": replay.run, "tickets": replay.tickets}
