"""An account has its registered contacts told, we its account manager: one request instead of one a person, and as
often as one likes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from services.notifier.handlers.contacts import ContactsDesk, Subscribed
from services.notifier.model.contact_wishes import PeoplesChannel
from services.notifier.model.preferences import Changes
from services.notifier.subscriptions.shapes import SubscriptionView, subscription_view
from shared.auth.principal import Principal
from shared.ids import ENTRY_PATTERN, AccountId
from shared.web.answers import json
from shared.web.routes import WRITE_PROBLEMS, StrictRoute, allow

Caller = Annotated[Principal, Depends(allow("account", needs="subscriptions:manage"))]
AccountsManager = Annotated[Principal, Depends(allow("operator", needs="subscriptions:manage"))]
Channels = Annotated[
    list[PeoplesChannel], Field(min_length=1, max_length=2, description="By which of them; each that a contact has")
]


class ContactsBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    channels: Channels
    changes: Annotated[Changes, Field(description="As in a subscription; people are told of milestones")] = "milestones"


class ManagerBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    account: Annotated[str, Field(pattern=ENTRY_PATTERN, description="Whose account manager, as the registry has it")]
    channels: Channels


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

    @router.post(
        "/v1/manager-subscriptions", response_model=ContactsView, responses=WRITE_PROBLEMS,
        summary="Have an account's manager told of early warnings and escalations",
    )  # fmt: skip
    async def subscribe_manager(caller: AccountsManager, body: ManagerBody) -> Response:
        """By the address that the registry has of the account manager. Can be repeated when another one has come."""
        return json(_view(await desk.subscribe_manager(caller, AccountId(body.account), channels=body.channels)))

    return router


def _view(done: Subscribed) -> dict[str, object]:
    return {
        "made": [subscription_view(made, lambda _: ()) for made in done.made],
        "left_out": [
            {"contact": left.wish.contact, "channel": left.wish.channel, "because": left.because}
            for left in done.left_out
        ],
    }
