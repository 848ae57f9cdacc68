"""The body a subscriber sends and the answers it gets: the edge's shapes, documented by OpenAPI."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from services.notifier.handlers.subscriptions import Wish
from services.notifier.model.preferences import Changes, Language, Preferences, QuietHours
from services.notifier.model.subscription import Subscription
from shared.clock import rfc3339
from shared.contracts.facts import TYPES
from shared.contracts.text import PATTERN
from shared.errors import FieldError, InvalidInput
from shared.ids import ENTRY_PATTERN, AccountId
from shared.registry.model.contact import whole

LONGEST_TARGET = 2000
LONGEST_DIGEST_MIN = 24 * 60
MOST_PLACES = 200
SITE = PATTERN.replace("^", "^0[0-9]{2,3}/", 1).replace("*$", "{1,200}$")
SITE_FORM = "network/site, such as 010/head office"
TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
# What is surely taken; a literal public address, or http where the center allows it, is taken too.
SURE_URL = r"^https://([a-z][a-z0-9]{0,20}\.){1,4}[a-z]{2,10}(:[1-9][0-9]{0,3})?(/[A-Za-z0-9._~-]{0,50}){0,8}$"
ZONE = r"^[A-Za-z0-9_+-]{1,30}(/[A-Za-z0-9_+-]{1,30}){0,2}$"


def _known(type: str) -> str:
    if type not in TYPES:
        raise ValueError(f"is not a type of event; there are {', '.join(TYPES)}")
    return type


def _site(name: str) -> str:
    if not re.fullmatch(SITE, name):
        raise ValueError(f"must be {SITE_FORM}")
    return name


def _time(text: str) -> str:
    if not re.fullmatch(TIME, text):
        raise ValueError("must be a time of day such as 22:00")
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is no time zone such as Asia/Shanghai") from None
    return name


EventType = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(TYPES)})]
Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Time = Annotated[str, Field(json_schema_extra={"pattern": TIME}, examples=["22:00"]), AfterValidator(_time)]
Id = Annotated[str, Field(pattern=ENTRY_PATTERN)]
Site = Annotated[str, Field(json_schema_extra={"pattern": SITE}, examples=["010/head office"]), AfterValidator(_site)]
Url = Annotated[
    str,
    Field(
        max_length=LONGEST_TARGET,
        json_schema_extra={"format": "uri", "pattern": SURE_URL},
        examples=["https://noc.example.com/hooks/vrc"],
        description="Where events are posted: the channel `webhook` and its target, in one. A public address, without"
        " user info and fragment",
    ),
]


class QuietHoursShape(BaseModel):
    model_config = ConfigDict(extra="forbid")

    zone: Annotated[str, Field(pattern=ZONE, examples=["Asia/Shanghai"]), AfterValidator(_zone)]
    start: Time
    end: Annotated[Time, Field(description="On the next day, where it is not after `start`")]

    @model_validator(mode="after")
    def _some_time_is_left(self) -> "QuietHoursShape":
        if self.start == self.end:
            raise PydanticCustomError("quiet", "must begin and end at different times")
        return self


class Wishes(BaseModel):
    """What of everything, and when."""

    model_config = ConfigDict(extra="forbid")

    events: Annotated[
        list[EventType] | None,
        Field(min_length=1, max_length=len(TYPES), description="The wanted types of event; left out: all"),
    ] = None
    changes: Annotated[Changes, Field(description="`milestones`: steps of the ticket only; `urgent`: the gravest")] = (
        "all"
    )
    circuits: Annotated[list[Id], Field(max_length=MOST_PLACES, description="Only tickets on these; none: on all")] = []
    sites: Annotated[
        list[Site],
        Field(max_length=MOST_PLACES, description="Also, or only, tickets on circuits that end there: network/site"),
    ] = []
    accounts: Annotated[
        list[Id], Field(max_length=200, description="Also events of these child accounts, as far as you may read them")
    ] = []
    language: Annotated[Language, Field(description="Of messages that people read")] = "zh"
    quiet: Annotated[
        QuietHoursShape | None, Field(description="When only what is urgent is sent; the rest comes afterwards, as one")
    ] = None
    digest_min: Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            le=LONGEST_DIGEST_MIN,
            description="Minutes that news of a ticket wait for others to join them in one message; 0: none",
        ),
        BeforeValidator(whole),
    ] = 0

    def preferences(self) -> Preferences:
        given = self.quiet
        quiet = None if given is None else QuietHours(given.zone, given.start, given.end)
        return Preferences(
            events=frozenset(self.events or ()), changes=self.changes, circuits=frozenset(self.circuits),
            sites=frozenset(self.sites), accounts=frozenset(map(AccountId, self.accounts)), language=self.language,
            quiet=quiet, digest_min=self.digest_min,
        )  # fmt: skip


def _one_of(schema: dict[str, Any], *names: str) -> None:
    """Exactly one of these is given, and none has a default."""
    schema["oneOf"] = [{"required": [name]} for name in names]
    for name in names:
        del schema["properties"][name]["default"]


def _without_defaults(schema: dict[str, Any]) -> None:
    for field in schema["properties"].values():
        field.pop("default", None)


class SubscriptionBody(Wishes):
    """By `url`, or by `channel` and `target`."""

    model_config = ConfigDict(json_schema_extra=lambda schema: _one_of(schema, "url", "target"))

    url: Url = ""  # left out: no URL is empty
    channel: Annotated[str, Field(pattern=r"^[a-z]{1,20}$", examples=["webhook"])] = "webhook"
    target: Annotated[
        str, Field(min_length=1, max_length=LONGEST_TARGET, description="A URL, a mail address, a telephone number")
    ] = ""

    def wish(self) -> Wish:
        """Raises InvalidInput."""
        wanted = self.preferences()
        if self.target:
            if self.url:
                raise InvalidInput(FieldError("target", "and url are two names of one thing: give one of them"))
            return Wish(self.target, self.channel, wanted)
        if not self.url:
            raise InvalidInput(FieldError("url", "is required, or a target"))
        if self.channel != "webhook":
            raise InvalidInput(FieldError("channel", "has a target, and no url"))
        return Wish(self.url, preferences=wanted, field="url")


class ChangeBody(Wishes):
    """What is left out stays as it is."""

    target: Annotated[
        str,
        Field(min_length=1, max_length=LONGEST_TARGET, description="A new one, of the same channel; the secret stays"),
    ] = ""

    model_config = ConfigDict(json_schema_extra=lambda schema: _without_defaults(schema))

    def given(self) -> dict[str, Any]:
        wanted = self.preferences()
        return {name: getattr(self if name == "target" else wanted, name) for name in self.model_fields_set}


class QuietHoursView(BaseModel):
    zone: str
    start: str
    end: str


class SubscriptionView(BaseModel):
    id: Annotated[str, Field(examples=["sub_0b9f3a6c1d2e4f5a6b7c"])]
    channel: str
    target: str
    url: Annotated[str | None, Field(description="A webhook's target")]
    events: list[str] | None
    changes: Changes
    circuits: list[str]
    sites: list[str]
    accounts: list[str]
    language: Language
    quiet: QuietHoursView | None
    digest_min: int
    answers_for_least: Annotated[
        bool,
        Field(
            description="Besides what it wants, it is told what your contract says you have to be told and none of your"
            " other subscriptions wants"
        ),
    ]
    created_at: Moment
    public_keys: Annotated[
        list[str],
        Field(description="Check the `v1a` signatures (Ed25519) of a webhook; two of them for a day after a rotation"),
    ]
    former_secret_until: Annotated[Moment | None, Field(description="So long the secret before this one signs too")]
    state: Annotated[
        Literal["active", "failing", "disabled"],
        Field(description="`failing`: nothing was taken since `failing_since`; `disabled`: nothing is sent any more"),
    ]
    failing_since: Annotated[
        Moment | None,
        Field(
            description="Of one that is disabled: when the first happened that it did not get. Note it before you"
            " enable it, and replay `since` then"
        ),
    ]
    warned: Annotated[
        Literal["failing", "exhausted", "undelivered"] | None,
        Field(
            description="What your other subscriptions were told of this one, since it fails; `undelivered`: what the"
            " gateway took does not arrive, by its receipts"
        ),
    ]
    disabled_at: Moment | None
    disabled_for: Annotated[
        Literal["gone", "failing"] | None,
        Field(description="`gone`: its receiver answered 410; `failing`: for five days nothing was taken"),
    ]


class NewSubscriptionView(SubscriptionView):
    secret: Annotated[
        str | None,
        Field(description="Signs every webhook (Standard Webhooks, v1). Shown only here; other channels: null"),
    ]


class SubscriptionPage(BaseModel):
    items: list[SubscriptionView]
    next: str | None


PublicKeys = Callable[[Subscription], Sequence[str]]


def subscription_view(subscription: Subscription, public_keys: PublicKeys) -> dict[str, object]:
    wanted, quiet = subscription.preferences, subscription.preferences.quiet
    standing = subscription.standing
    return {
        "id": subscription.id,
        "channel": subscription.channel,
        "target": subscription.target,
        "url": subscription.target if subscription.channel == "webhook" else None,
        "events": sorted(wanted.events) or None,
        "changes": wanted.changes,
        "circuits": sorted(wanted.circuits),
        "sites": sorted(wanted.sites),
        "accounts": sorted(wanted.accounts),
        "language": wanted.language,
        "quiet": quiet and {"zone": quiet.zone, "start": quiet.start, "end": quiet.end},
        "digest_min": wanted.digest_min,
        "answers_for_least": subscription.beside is not None,
        "created_at": rfc3339(subscription.created_at),
        "public_keys": public_keys(subscription),
        "former_secret_until": _moment(subscription.keys.former_until),
        "state": standing.state,
        "failing_since": _moment(standing.failing_since),
        "warned": standing.warned,
        "disabled_at": _moment(standing.disabled_at),
        "disabled_for": standing.disabled_for,
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
