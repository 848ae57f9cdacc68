"""What an audit row of an incident means for a ticket: pure, and total over every state and every place.

    New                                  reported, nobody at work yet
    Active                               a local network is at work
    Awaiting User Info                   suspended: customer_unavailable (pending)
    Awaiting Vendor                      suspended: third_party (held)
    Awaiting Problem, Awaiting Evidence  suspended: internal (held)
    Resolved                             restored
    Closed                               confirmed by the customer

What lies between two states is brought about by the smallest legal sequence of steps: an incident that is Resolved
before anybody was seen at work is accepted and restored, one that goes from Resolved back to Active is reopened and
accepted again. Restoring ends a suspension by itself. A row that leaves the state alone is a progress note while a
network is at work, else nothing.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from shared.contracts.facts import Impact, SuspendReason

State = Literal[
    "New", "Active", "Awaiting User Info", "Awaiting Vendor", "Awaiting Problem", "Awaiting Evidence", "Resolved",
    "Closed",
]  # fmt: skip
Place = Literal[
    "nowhere", "reported", "working", "awaiting_customer", "awaiting_third_party", "awaiting_inside", "restored",
    "reopened", "closed",
]  # fmt: skip
Verb = Literal["report", "accept", "progress", "suspend", "resume", "restore", "confirm", "reopen"]

STATES: frozenset[str] = frozenset(get_args(State))
VERBS: tuple[Verb, ...] = get_args(Verb)


@dataclass(frozen=True, slots=True)
class Step:
    """One request to the center; `reason` is a suspension's."""

    verb: Verb
    reason: SuspendReason | None = None


@dataclass(frozen=True, slots=True)
class Steps:
    """What brings the ticket where the row says it is."""

    steps: tuple[Step, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Nothing:
    """The ticket is where the row says it is, and there is nobody who could say more."""


@dataclass(frozen=True, slots=True)
class Unmapped:
    reason: str


Meaning = Steps | Nothing | Unmapped

MEANS: Mapping[State, Place] = {
    "New": "reported",
    "Active": "working",
    "Awaiting User Info": "awaiting_customer",
    "Awaiting Vendor": "awaiting_third_party",
    "Awaiting Problem": "awaiting_inside",
    "Awaiting Evidence": "awaiting_inside",
    "Resolved": "restored",
    "Closed": "closed",
}
AWAITING: Mapping[Place, SuspendReason] = {
    "awaiting_customer": "customer_unavailable",
    "awaiting_third_party": "third_party",
    "awaiting_inside": "internal",
}
AT_WORK: frozenset[Place] = frozenset({"working", *AWAITING})
MOVES: Mapping[Place, Mapping[Step, Place]] = {
    "nowhere": {Step("report"): "reported"},
    "reported": {Step("accept"): "working"},
    "working": {Step("restore"): "restored", **{Step("suspend", why): place for place, why in AWAITING.items()}},
    **{place: {Step("resume"): "working", Step("restore"): "restored"} for place in AWAITING},
    "restored": {Step("confirm"): "closed", Step("reopen"): "reopened"},
    "reopened": {Step("accept"): "working"},
    "closed": {},
}
IMPACTS: Mapping[str, Impact] = {"1 - High": "down", "2 - Medium": "degraded", "3 - Low": "intermittent"}


def meaning(place: Place, state: State) -> Meaning:
    """What has to be done with a ticket at `place` for a row that says `state`."""
    goal = MEANS[state]
    if place == goal:
        return Steps((Step("progress"),), place) if place in AT_WORK else Nothing()
    steps = shortest(place, goal)
    if steps is None:
        return Unmapped(f"{state} after the ticket was {place}")
    return Steps(steps, goal)


def shortest(start: Place, goal: Place) -> tuple[Step, ...] | None:
    """The fewest steps from one place to another; None when no sequence leads there."""
    found: dict[Place, tuple[Step, ...]] = {start: ()}
    waiting = deque([start])
    while waiting:
        place = waiting.popleft()
        for step, after in MOVES[place].items():
            if after not in found:
                found[after] = (*found[place], step)
                waiting.append(after)
    return found.get(goal)


def place_of(status: str, *, suspended_for: str | None, order_state: str | None) -> Place | None:
    """Where a ticket of the center stands; None when it is somewhere no incident ever is (cancelled, rejected)."""
    match status:
        case "acknowledged":
            return "reported"
        case "inProgress":
            return "working" if order_state == "accepted" else "reopened"
        case "pending":
            return "awaiting_customer"
        case "held":
            return "awaiting_third_party" if suspended_for == "third_party" else "awaiting_inside"
        case "resolved":
            return "restored"
        case "closed":
            return "closed"
        case _:
            return None
