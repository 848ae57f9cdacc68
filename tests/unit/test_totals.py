"""What a ticket adds to the totals can be taken away again, and a bound belongs to its bucket."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatcher.measures.measure import Measure, measure
from services.dispatcher.measures.totals import BEYOND, HOUR, Key, Total, added_up, change
from tests.cases import log_of

OPEN = measure(log_of()[1], None, {})
MEASURES = st.builds(
    lambda took, tier, network, verdict: replace(
        OPEN, tier=tier, time_to_repair=took, network=network, verdict=verdict if took else None
    ),
    st.none() | st.integers(0, 60 * HOUR), st.sampled_from(["gold", "jade"]), st.sampled_from([None, "010"]),
    st.sampled_from(["met", "breached"]),
)  # fmt: skip


@pytest.mark.parametrize(
    ("took", "bucket", "verdict"),
    [(5 * HOUR, 5 * HOUR, "met"), (5 * HOUR + 1, 8 * HOUR, "breached"), (49 * HOUR, BEYOND, "breached")],
)
def test_exactly_five_hours_are_within_five_hours(took: int, bucket: int, verdict: str) -> None:
    found = added_up([replace(OPEN, tier="gold", time_to_repair=took)])
    assert found[Key("time_to_repair", ("gold", "down", ""), bucket)] == Total(1, took)
    assert found[Key("repairs", ("5h", "gold", verdict))] == Total(1)


@given(st.lists(MEASURES, max_size=8), st.lists(MEASURES, max_size=8))
def test_totals_do_not_depend_on_the_way_to_them(before: list[Measure], after: list[Measure]) -> None:
    """First these rows, then some of them changed: as if only the last ones had ever been."""
    steps = [change((None, m) for m in before), change(zip(before, after, strict=False))]
    steps.append(change((None, m) for m in after[len(before) :]))
    summed: dict[Key, Total] = {}
    for step in steps:
        for key, total in step.items():
            stood = summed.get(key, Total(0))
            summed[key] = Total(stood.n + total.n, stood.ms + total.ms)
    left = {key: total for key, total in summed.items() if total != Total(0)}
    assert left == added_up([*after, *before[len(after) :]])
