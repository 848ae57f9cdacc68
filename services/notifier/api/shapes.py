"""The body a subscriber sends and the answers it gets: the edge's shapes, documented by OpenAPI."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from services.notifier.channels.webhook.targets import LONGEST_URL
from services.notifier.model import Subscription
from shared.clock import rfc3339
from shared.contracts.facts import TYPES

# What is surely taken; a literal public address, or http where the center allows it, is taken too.
SURE_URL = r"^https://([a-z][a-z0-9]{0,20}\.){1,4}[a-z]{2,10}(:[1-9][0-9]{0,3})?(/[A-Za-z0-9._~-]{0,50}){0,8}$"


def _known(type: str) -> str:
    if type not in TYPES:
        raise ValueError(f"is not a type of event; there are {', '.join(TYPES)}")
    return type


EventType = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(TYPES)})]
Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Url = Annotated[
    str,
    Field(
        max_length=LONGEST_URL,
        json_schema_extra={"format": "uri", "pattern": SURE_URL},
        examples=["https://noc.example.com/hooks/vrc"],
        description="Where events are posted. A public address, without user info and fragment",
    ),
]


class SubscriptionBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: Url
    events: Annotated[
        list[EventType] | None,
        Field(min_length=1, max_length=len(TYPES), description="The wanted types of event; left out: all"),
    ] = None


class SubscriptionView(BaseModel):
    id: Annotated[str, Field(examples=["sub_0b9f3a6c1d2e4f5a6b7c"])]
    url: str
    events: list[str] | None
    created_at: Moment


class NewSubscriptionView(SubscriptionView):
    secret: Annotated[str, Field(description="Signs every webhook (Standard Webhooks, v1). Shown only here")]


class SubscriptionPage(BaseModel):
    items: list[SubscriptionView]
    next: str | None


def subscription_view(subscription: Subscription) -> dict[str, object]:
    return {
        "id": subscription.id,
        "url": subscription.url,
        "events": sorted(subscription.events) or None,
        "created_at": rfc3339(subscription.created_at),
    }
