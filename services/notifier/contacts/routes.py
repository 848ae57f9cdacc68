"""An account has its registered contacts told: one request instead of one a person, and as often as one likes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from services.notifier.handlers.contacts import ContactsDesk, Subscribed
from services.notifier.model.contact_wishes import PeoplesChannel
from services.notifier.model.preferences import Changes
from services.notifier.subscriptions.shapes import SubscriptionView, subscription_view
from shared.auth.principal import Principal
from shared.web.answers import json
from shared.web.routes import WRITE_PROBLEMS, StrictRoute, allow

Caller = Annotated[Principal, Depends(allow("account", needs="subscriptions:manage"))]


class ContactsBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    channels: Annotated[
        list[PeoplesChannel], Field(min_length=1, max_length=2, description="By which of them; each that a contact has")
    ]
    changes: Annotated[Changes, Field(description="As in a subscription; people are told of milestones")] = "milestones"


class LeftOutView(BaseModel):
    contact: str
    channel: str
    because: str


class ContactsView(BaseModel):
    made: list[SubscriptionView]
    left_out: list[LeftOutView]


def contact_routes(desk: ContactsDesk) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["subscriptions"])

    @router.post(
        "/v1/contact-subscriptions", response_model=ContactsView, responses=WRITE_PROBLEMS,
        summary="Have the account's contacts in the registry told, in their languages and hours",
    )  # fmt: skip
    async def subscribe_contacts(caller: Caller, body: ContactsBody) -> Response:
        """Who is subscribed already is left as he is, so it can be repeated when contacts have changed."""
        return json(_view(await desk.subscribe(caller, body.channels, body.changes)))

    return router


def _view(done: Subscribed) -> dict[str, object]:
    return {
        "made": [subscription_view(made, lambda _: ()) for made in done.made],
        "left_out": [
            {"contact": left.wish.contact, "channel": left.wish.channel, "because": left.because}
            for left in done.left_out
        ],
    }
