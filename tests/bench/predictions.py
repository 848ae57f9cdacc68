"""How well predictions would have held on a recorded incident history: `python -m tests.bench.predictions FILE`.

The group that an incident was assigned to stands for the network, its category for the segment. Each is predicted from
what was known at that moment and compared with simple ways to do it: coverage of the range (four fifths are promised),
pinball loss at 10, 50 and 90 %, and how far the median was off. Then what a prediction and learning cost, in CPU time.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from time import process_time
from typing import Any, cast

from services.commands.replay.history import Incident, read_history
from services.commands.replay.mapping import IMPACTS
from services.commands.replay.requests import opened_at
from services.dispatcher.prediction.history import QUANTILES, Case, History
from shared.clock import to_ms
from shared.ids import NetworkCode

HOUR_MS = 3_600_000
Range = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Past:
    """An incident that was `at` reported, and took so long until it was restored for good."""

    case: Case
    at: int
    took: int


def past(incident: Incident) -> Past | None:
    """None: it was never restored."""
    backs = [
        row.at
        for before, row in zip([None, *incident.rows], incident.rows, strict=False)
        if row.state == "Resolved" and (before is None or before.state != "Resolved")
    ]
    if not backs:
        return None
    first, at = incident.rows[0], to_ms(opened_at(incident))
    case = Case(
        networks=(NetworkCode(first.said("assignment_group") or "none"),), segment=cast(Any, first.said("category")),
        impact=IMPACTS.get(first.fields["impact"], "degraded"),
    )  # fmt: skip
    return Past(case, at, max(to_ms(backs[-1]) - at, 0))


Way = Callable[[Past, Sequence[Past], Sequence[tuple[Past, int]], int], Range | None]
"""An incident, those that are over, those that last with their age, and how long it has lasted itself."""


def predicted(one: Past, over: Sequence[Past], lasting: Sequence[tuple[Past, int]], elapsed: int) -> Range | None:
    history = History()
    for other in over:
        history.learn(other.case, other.took)
    history.look_at_lasting((other.case, age) for other, age in lasting)
    found = history.like(one.case, beyond=elapsed)
    return (found.earliest, found.median, found.latest) if found else None


def only_what_is_over(one: Past, over: Sequence[Past], lasting: object, elapsed: int) -> Range | None:
    return predicted(one, over, (), elapsed)


def quantiles_of_all(one: Past, over: Sequence[Past], lasting: object, elapsed: int) -> Range | None:
    """Of all that are over, whatever has passed by now."""
    took = sorted(other.took for other in over)
    low, middle, high = (took[int(share * len(took))] for share in QUANTILES)
    return low, middle, high


def median_of_all(one: Past, over: Sequence[Past], lasting: object, elapsed: int) -> Range | None:
    middle = median(other.took for other in over)
    return middle, middle, middle


def mean_of_its_network(one: Past, over: Sequence[Past], lasting: object, elapsed: int) -> Range | None:
    its = [other.took for other in over if other.case.networks == one.case.networks]
    found = mean(its or [other.took for other in over])
    return found, found, found


WAYS: dict[str, Way] = {
    "predicted": predicted, "… from what is over only": only_what_is_over, "quantiles of all": quantiles_of_all,
    "median of all": median_of_all, "mean of its network": mean_of_its_network,
}  # fmt: skip


def pinball(took: float, at: float, share: float) -> float:
    return max(share * (took - at), (share - 1) * (took - at))


def judged(pairs: Sequence[tuple[int, Range]]) -> str:
    inside = mean(low <= took <= high for took, (low, _, high) in pairs)
    loss = mean(pinball(took, at, share) for took, found in pairs for at, share in zip(found, QUANTILES, strict=True))
    off = [abs(took - found[1]) for took, found in pairs]
    hours = (f"{x / HOUR_MS:8.1f} h" for x in (loss, mean(off), median(off)))
    return f"{len(pairs):5d} {inside:7.1%} {'  '.join(hours)}"


def split(incidents: Sequence[Past], elapsed: int) -> dict[str, list[tuple[int, Range]]]:
    """The later two fifths, from the outcome of the earlier three."""
    cut = len(incidents) * 3 // 5
    found: dict[str, list[tuple[int, Range]]] = {name: [] for name in WAYS}
    for one in incidents[cut:]:
        if one.took > elapsed:
            _ask(found, one, incidents[:cut], (), elapsed)
    return found


def as_it_went(incidents: Sequence[Past], begin: int) -> dict[str, list[tuple[int, Range]]]:
    """Each at its report, from what was over by then and what lasted; the first `begin` only serve to learn from."""
    found: dict[str, list[tuple[int, Range]]] = {name: [] for name in WAYS}
    for number, one in enumerate(incidents[begin:], begin):
        over = [other for other in incidents[:number] if other.at + other.took <= one.at]
        lasting = [(other, one.at - other.at) for other in incidents[:number] if other.at + other.took > one.at]
        if len(over) >= begin // 4:
            _ask(found, one, over, lasting, 0)
    return found


def _ask(found: dict[str, list[tuple[int, Range]]], one: Past, over: Any, lasting: Any, elapsed: int) -> None:
    answers = {name: way(one, over, lasting, elapsed) for name, way in WAYS.items()}
    if answers["predicted"] and answers["… from what is over only"]:
        for name, answer in answers.items():
            found[name].append((one.took, cast(Range, answer)))


def costs(incidents: Sequence[Past]) -> None:
    """Of each: at the report, after four hours, and learning from one repair more."""
    history = History()
    history.look_at_lasting((one.case, HOUR_MS) for one in incidents)
    began = process_time()
    for one in incidents:
        history.learn(one.case, one.took)
    print(f"learning from a repair: {(process_time() - began) / len(incidents) * 1e6:.1f} µs of CPU")
    for again, elapsed in (("first", 0), ("again", 0), ("after 4 h", 4 * HOUR_MS)):
        began = process_time()
        for one in incidents:
            history.like(one.case, beyond=elapsed)
        print(f"a prediction, {again}: {(process_time() - began) / len(incidents) * 1e6:.1f} µs of CPU")


def main(file: Path) -> None:
    incidents = sorted(filter(None, map(past, read_history(file).incidents)), key=lambda one: one.at)
    print(f"{'':34s}     n  inside    pinball   mean off  median off")
    for hours in (0, 4, 24):
        print(f"split in time, after {hours} h")
        for name, pairs in split(incidents, hours * HOUR_MS).items():
            print(f"  {name:32s}{judged(pairs)}")
    costs(incidents)
    print("as it went, at the report")
    for name, pairs in as_it_went(incidents, 200).items():
        print(f"  {name:32s}{judged(pairs)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
