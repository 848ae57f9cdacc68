"""What goes wrong with circuits in the simulated country, and how a local network goes about it. Pure.

A fault is in one segment, whoever is ordered first; the network it belongs to (its home) repairs it, the others find
that out. Everything is drawn from the `random.Random` that is handed in, so the same seed tells the same story.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from shared.contracts import progress as p
from shared.contracts.facts import Cause, RemedyCode, SuspendReason
from shared.ids import NetworkCode

Circuit = Mapping[str, Any]
"""As `GET /v1/circuits` shows it."""

LEAVE_ALONE = "[replay]"
"""An order whose description begins so is somebody else's play: no simulated network touches it."""
LIKELY: Mapping[str, int] = {"access": 8, "metro": 4, "backbone": 3, "customer-lan": 3, "third-party": 4}
CAUSES: Mapping[str, Sequence[Cause]] = {
    "access": ("fibre", "equipment", "power"),
    "metro": ("equipment", "configuration", "power"),
    "backbone": ("fibre", "equipment"),
    "customer-lan": ("customer_side",),
    "third-party": ("third_party",),
}
WAITS: Mapping[str, Sequence[SuspendReason]] = {
    "access": ("no_site_access", "customer_unavailable", "customer_power"),
    "metro": ("spares", "internal"),
    "backbone": ("spares", "force_majeure"),
    "customer-lan": ("customer_lan", "awaiting_customer_test"),
    "third-party": ("third_party",),
}
REMEDIES: Mapping[Cause, tuple[RemedyCode, str]] = {
    "fibre": ("spliced", "fibre spliced"),
    "equipment": ("replaced", "card replaced"),
    "power": ("power_restored", "power restored"),
    "configuration": ("reconfigured", "configuration corrected"),
    "customer_side": ("customer_acted", "repaired on the customer's side"),
    "third_party": ("repaired", "repaired by the partner operator"),
}
PREVENTION: Mapping[Cause, str] = {
    "fibre": "the route is marked anew, and the digger's company warned",
    "equipment": "the other cards of this batch are checked at the next maintenance",
    "power": "the battery is tested monthly",
    "configuration": "the change is made from a template from now on",
}
SOMETIMES, SELDOM = 0.25, 0.12


@dataclass(frozen=True, slots=True)
class Fault:
    """`segment` None: the circuit is not known, so the fault is wherever the network that is asked looks."""

    home: NetworkCode
    kind: str
    cause: Cause
    segment: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """After so long (simulated), say this; `expected` is how much longer the repair will then take, if that is said."""

    after: timedelta
    say: p.Progress
    expected: timedelta | None = None

    def said_at(self, now: datetime, expected: timedelta | None) -> p.Progress:
        """What is said at `now`, `expected` being real time."""
        if expected is None or not isinstance(self.say, (p.Accepted, p.Progressed)):
            return self.say
        return replace(self.say, expected_restoration_at=now + expected)


def draw_fault(rng: Random, circuit: Circuit | None, *, ordered: NetworkCode, known: Collection[NetworkCode]) -> Fault:
    """Where it is this time; its home is one of the `known` networks, or else the one that was ordered."""
    if circuit is None:
        return Fault(ordered, "access", rng.choice(CAUSES["access"]))
    segments = circuit["segments"]
    found = rng.choices(segments, [LIKELY[s["kind"]] for s in segments])[0]
    nearest = _nearest(segments, found)
    home = nearest if nearest and nearest in known else ordered
    return Fault(home, found["kind"], rng.choice(CAUSES[found["kind"]]), found["id"])


def _nearest(segments: Sequence[Mapping[str, Any]], faulty: Mapping[str, Any]) -> NetworkCode | None:
    place = segments.index(faulty)
    by_distance = sorted(range(len(segments)), key=lambda i: abs(i - place))
    return next((NetworkCode(segments[i]["network"]) for i in by_distance if segments[i]["network"]), None)


def repair(rng: Random, fault: Fault, *, helper: NetworkCode | None) -> Sequence[Move]:
    """The home network finds the fault and repairs it; `helper` may be asked for assistance."""
    whole = _minutes(rng, 60, 120)
    moves = [
        *_begin(rng),
        Move(_minutes(rng, 5, 20), p.Progressed(stage="diagnosed", segment=fault.segment), whole),
        Move(_minutes(rng, 1, 5), p.Progressed(stage="travelling")),
        Move(_minutes(rng, 10, 40), p.Progressed(stage="on_site"), whole / 2),
    ]
    if helper and rng.random() < SELDOM:
        moves.append(Move(_minutes(rng, 1, 5), p.AssistanceAsked(of=helper, note="test towards us, please")))
    if rng.random() < SOMETIMES:
        reason = rng.choice(WAITS[fault.kind])
        moves.append(Move(_minutes(rng, 1, 10), p.Suspended(reason=reason, evidence="as agreed by telephone")))
        moves.append(Move(_minutes(rng, 10, 40), p.Resumed(note="the work goes on")))
    return [
        *moves,
        Move(_minutes(rng, 5, 20), p.Progressed(stage="repairing"), whole / 4),
        Move(_minutes(rng, 5, 20), p.Progressed(stage="testing")),
        Move(_minutes(rng, 2, 10), _restored(rng, fault)),
    ]


def repair_again(rng: Random, fault: Fault) -> Sequence[Move]:
    """The restoration did not hold."""
    return [
        Move(_minutes(rng, 1, 5), p.Accepted(engineer=_engineer(rng)), _minutes(rng, 20, 60)),
        Move(_minutes(rng, 10, 30), p.Progressed(stage="on_site", note="back again")),
        Move(
            _minutes(rng, 5, 30),
            p.Restored(cause=fault.cause, remedy="done again, and tested for longer", remedy_code="repaired"),
        ),
    ]


def _restored(rng: Random, fault: Fault) -> p.Restored:
    """Now and then the engineer is in a hurry, and says what it was only in the fault report."""
    if rng.random() < SELDOM:
        return p.Restored()
    code, remedy = REMEDIES.get(fault.cause, ("other", "repaired"))
    return p.Restored(cause=fault.cause, remedy=remedy, remedy_code=code)


def fault_report(rng: Random, fault: Fault) -> Move:
    """What the customer is told when the van is home again."""
    code, remedy = REMEDIES.get(fault.cause, ("other", "repaired"))
    where = f" in {fault.segment}" if fault.segment else ""
    said = p.FaultReportGiven(
        cause=fault.cause, remedy_code=code, text=f"The fault was{where}: {remedy}, tested for ten minutes.",
        prevention=PREVENTION.get(fault.cause),
    )  # fmt: skip
    return Move(_minutes(rng, 20, 90), said)


def look_in_vain(rng: Random) -> Sequence[Move]:
    """The fault is not here."""
    return [*_begin(rng), Move(_minutes(rng, 5, 20), p.Progressed(stage="testing", note="our side tests clean"))]


def leave_it_to_the_other_end(rng: Random) -> Sequence[Move]:
    """Whose order is live: most say that they found nothing, the others stand by."""
    if rng.random() < 2 * SOMETIMES:
        return [Move(_minutes(rng, 1, 5), p.Declined(reason="no_fault_found", note="our side tests clean"))]
    return []


def hand_over(rng: Random, fault: Fault) -> Sequence[Move]:
    """Nobody has the home network's order yet."""
    return [Move(_minutes(rng, 1, 5), p.HandedOver(to=fault.home, segment=fault.segment))]


def assist(rng: Random) -> Sequence[Move]:
    return [*_begin(rng), Move(_minutes(rng, 2, 10), p.Progressed(stage="testing", note="testing towards you"))]


def _begin(rng: Random) -> Sequence[Move]:
    return [
        Move(_minutes(rng, 1, 12), p.Accepted(engineer=_engineer(rng))),
        Move(_minutes(rng, 1, 5), p.Progressed(stage="diagnosing")),
    ]


def _engineer(rng: Random) -> str:
    return f"engineer {rng.randint(100, 999)}"


def _minutes(rng: Random, least: float, most: float) -> timedelta:
    return timedelta(minutes=rng.uniform(least, most))
