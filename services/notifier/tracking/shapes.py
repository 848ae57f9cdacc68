"""What is sent to make a link, and what managers of links and visitors are answered: documented by OpenAPI."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from services.notifier.tracking.links import LASTS, LASTS_AT_MOST, Link, State
from shared.clock import rfc3339
from shared.contracts.facts import Cause, Contact, Impact, Stage, SuspendReason
from shared.contracts.instant import Instant
from shared.contracts.mailbox import Mailbox
from shared.contracts.progress import Short
from shared.tickets.model import Status


class Visitor(BaseModel):
    """Whom the link is given to. Shown to those who manage the ticket's links, never by the link."""

    model_config = ConfigDict(extra="forbid")

    name: Short | None = None
    phone: Short | None = None
    email: Mailbox | None = None


class VisitorView(BaseModel):
    name: str | None
    phone: str | None
    email: str | None


class LinkBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    label: Annotated[Short, Field(description="What it is for, in your words")]
    contact: Annotated[Visitor | None, Field(description="Whom it is given to")] = None
    expires_at: Annotated[
        Instant | None,
        Field(description=f"At most {LASTS_AT_MOST.days} days from now; left out: {LASTS.days} days"),
    ] = None

    def contact_given(self) -> Contact:
        return Contact(**self.contact.model_dump()) if self.contact else Contact()


class LinkView(BaseModel):
    id: Annotated[str, Field(examples=["3f09c2a1b7d4"])]
    ticket: str
    label: str
    contact: VisitorView
    state: State
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class NewLinkView(LinkView):
    token: Annotated[str, Field(description="What is sent as `Authorization: Bearer <token>`. Shown only here")]
    page: Annotated[
        str,
        Field(
            description="Its page in a browser: a whole address where the center knows its own (`public_url`), else"
            " the path. The token stands behind the #, which browsers send to no server",
            examples=["https://vip.example/track#vrt_live_3f09c2a1b7d4_…"],
        ),
    ]


class LinkPage(BaseModel):
    items: list[LinkView]
    next: str | None


class StepView(BaseModel):
    """Something that happened. `network` is a local network's area code; instants and codes depend on `type`."""

    seq: int
    at: datetime
    type: str
    status: Status
    network: str | None = None
    to: str | None = None
    stage: Stage | None = None
    reason: SuspendReason | None = None
    cause: Cause | None = None
    expected_restoration_at: datetime | None = None
    expected_at: datetime | None = None
    earliest_at: datetime | None = None
    latest_at: datetime | None = None
    next_update_by: datetime | None = None
    restored_at: datetime | None = None


class BackView(BaseModel):
    """`from` and `to` are a range where it is predicted; `overdue_since`: the network had named that instant."""

    at: datetime
    from_: Annotated[datetime | None, Field(alias="from")]
    to: datetime | None
    overdue_since: datetime | None


class NameView(BaseModel):
    zh: str
    en: str


class TrackView(BaseModel):
    """What a link shows. `status` is TM Forum TMF621's; `waiting_for` says why the repair is suspended.

    `promised_at`: when the time promised for the restoration is, was or would have been over; none while its clock
    stands still, and where nothing was promised. `networks`: what those in the steps are called, by code.
    """

    ticket: str
    status: Status
    impact: Impact
    reported_at: datetime
    updated_at: datetime
    expected_restoration: BackView | None
    promised_at: datetime | None
    restored_at: datetime | None
    closed_at: datetime | None
    waiting_for: SuspendReason | None
    networks: dict[str, NameView]
    steps: list[StepView]


def link_view(link: Link, now: datetime) -> dict[str, Any]:
    return {
        "id": link.id, "ticket": link.ticket, "label": link.label, "contact": link.contact, "state": link.state(now),
        "created_by": link.created_by, "created_at": rfc3339(link.created_at), "expires_at": rfc3339(link.expires_at),
        "revoked_at": rfc3339(link.revoked_at) if link.revoked_at else None,
    }  # fmt: skip
