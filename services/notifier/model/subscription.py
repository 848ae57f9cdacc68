"""Who wants which events by which channel. It is asked for every event and every subscription: it must cost little."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.notifier.model.holding import MILESTONES, URGENT
from services.notifier.model.keys import Keys
from services.notifier.model.preferences import EVERYTHING, Preferences
from services.notifier.model.standing import GOOD, NOTICES, Standing
from shared.contracts.event import Event
from shared.ids import AccountId, CircuitId, SubscriptionId

MOST_SUBSCRIPTIONS = 20
NO_KEYS = Keys()
_CHANGES: Mapping[str, frozenset[str] | None] = {"all": None, "milestones": MILESTONES, "urgent": URGENT}


@dataclass(frozen=True, slots=True)
class Place:
    """A ticket's circuit and the sites (`network/name`) at its ends; none when the registry knows it no more."""

    circuit: CircuitId
    sites: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Subscription:
    """`target` is a URL, a mail address, a telephone number: what the `channel` understands."""

    id: SubscriptionId
    account: AccountId
    channel: str
    target: str
    preferences: Preferences
    created_at: datetime
    keys: Keys = field(default=NO_KEYS, repr=False)
    standing: Standing = GOOD

    def wants(self, event: Event, place: Place | None = None) -> bool:
        """`place` is the ticket's; needed where the preferences are `by_place`. What can't be placed is wanted."""
        wanted = self.preferences
        if wanted is EVERYTHING or event.type in NOTICES:
            return event.account == self.account
        if event.account != self.account and event.account not in wanted.accounts:
            return False
        if wanted.events and event.type not in wanted.events:
            return False
        if (least := _CHANGES[wanted.changes]) is not None and event.type not in least:
            return False
        if place is None or not wanted.by_place:
            return True
        return place.circuit in wanted.circuits or (
            bool(wanted.sites) and (not place.sites or bool(place.sites & wanted.sites))
        )
