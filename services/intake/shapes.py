"""The bodies customers send, as pydantic models: the edge's shapes, documented by OpenAPI."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from shared.contracts import facts as f
from shared.contracts.instant import Instant
from shared.contracts.mailbox import Mailbox
from shared.contracts.progress import Short, Written


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ContactBody(_Body):
    name: Short | None = None
    phone: Short | None = None
    email: Mailbox | None = None

    def fact(self) -> f.Contact:
        return f.Contact(self.name, self.phone, self.email)


def _named(contact: Any) -> Any:
    return {"name": contact} if isinstance(contact, str) else contact


class FaultBody(_Body):
    """A fault report. Leave `segment` out unless you know where the fault is."""

    circuit: Annotated[str, Field(min_length=1, max_length=64, examples=["010-0871-IPV-0001"])]
    impact: f.Impact
    both_paths: Annotated[
        StrictBool,
        Field(description="A protected circuit that is down is recorded as degraded, unless both its paths are lost"),
    ] = False
    description: Written
    reported_at: Instant | None = None
    reference: Annotated[Short | None, Field(description="Your own number for this fault")] = None
    contact: Annotated[
        ContactBody | None,
        BeforeValidator(_named, json_schema_input_type=ContactBody | Short | None),
        Field(description="Whom to call; a plain string is a name"),
    ] = None
    segment: Annotated[Short | None, Field(description="The circuit's segment that is known to be faulty")] = None

    def contact_fact(self) -> f.Contact | None:
        return self.contact.fact() if self.contact else None


class NoteBody(_Body):
    text: Written


class CancelBody(_Body):
    reason: Written | None = None


class ConfirmBody(_Body):
    comment: Written | None = None


class ReopenBody(_Body):
    reason: Written = "the service is not back"
