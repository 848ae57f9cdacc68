"""Who wants which events by which channel. It is asked for every event and every subscription: it must cost little."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.notifier.model.holding import MILESTONES, URGENT
from services.notifier.model.keys import Keys
from services.notifier.model.preferences import EVERYTHING, Preferences
from services.notifier.model.standing import GOOD, NOTICES, Standing
from shared.contracts.event import Event
from shared.contracts.facts import TYPES
from shared.ids import AccountId, CircuitId, SubscriptionId
from shared.tickets.model import is_customers

MOST_SUBSCRIPTIONS = 20
NO_KEYS = Keys()
# Not what follows once a ticket is closed: that is asked, answered and counted, and no part of what is promised.
_AFTERWARDS = ("follow_up", "survey", "satisfaction", "attainment")
LEAST = frozenset(name for name in TYPES if not any(word in name for word in _AFTERWARDS))
_CHANGES: Mapping[str, frozenset[str] | None] = {"all": None, "milestones": MILESTONES, "urgent": URGENT}


@dataclass(frozen=True, slots=True)
class Place:
    """A ticket's circuit and the sites (`network/name`) at its ends; none when the registry knows it no more."""

    circuit: CircuitId
    sites: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Subscription:
    """`target` is a URL, a mail address, a telephone number: what the `channel` understands.

    `beside`: it answers for the least that its account is told, and these are what the account's others want
    (`model.least`); None: another answers, or none has to.
    """

    id: SubscriptionId
    account: AccountId
    channel: str
    target: str
    preferences: Preferences
    created_at: datetime
    keys: Keys = field(default=NO_KEYS, repr=False)
    standing: Standing = GOOD
    beside: tuple[Preferences, ...] | None = None

    @property
    def by_place(self) -> bool:
        """Whether it matters where a ticket's circuit is."""
        return self.preferences.by_place or any(other.by_place for other in self.beside or ())

    def wants(self, event: Event, place: Place | None = None) -> bool:
        """`place` is the ticket's; needed where it is `by_place`. What can't be placed is wanted."""
        wanted, own = self.preferences, event.account == self.account
        if wanted is EVERYTHING or event.type in NOTICES:
            return own
        if not own and event.account not in wanted.accounts:
            return False
        if matches(wanted, event, place):
            return True
        if self.beside is None or not own or event.type not in LEAST or is_customers(event.actor):
            return False
        return not any(matches(other, event, place) for other in self.beside)


def matches(wanted: Preferences, event: Event, place: Place | None) -> bool:
    """By type, tier of change and place, whosever it is. What can't be placed is wanted."""
    if wanted.events and event.type not in wanted.events:
        return False
    if (these := _CHANGES[wanted.changes]) is not None and event.type not in these:
        return False
    if place is None or not wanted.by_place:
        return True
    return place.circuit in wanted.circuits or (
        bool(wanted.sites) and (not place.sites or bool(place.sites & wanted.sites))
    )
