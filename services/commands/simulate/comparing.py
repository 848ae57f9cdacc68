"""Now and proposed, each in a process of its own, and the pace that makes the model agree with what was recorded.

A history knows how long repairs took, not how long of that a crew was at work and how long it was waited for. So where
somebody says how many crews there were, the work is shortened until the median time to repair is the recorded one
again.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

from services.commands.simulate.arms import Arm, Result, World, befall, incidents_of, run
from services.commands.simulate.tally import Tally
from shared.registry.files.whole import read_registry

PASSES, NEAR = 8, 0.02


def compared(world: World, arms: Sequence[Arm]) -> Sequence[Result]:
    """Raises ValueError, OSError."""
    with ProcessPoolExecutor(len(arms), mp_context=get_context("spawn")) as pool:
        return list(pool.map(run, [world] * len(arms), arms))


def calibrated(world: World, now: Arm) -> float:
    """The part of the recorded working times during which a crew was at work, given the crews there were."""
    files = read_registry(world.networks, world.registry)
    incidents, until = incidents_of(replace(world, days=None), files)

    def median(arm: Arm) -> int | None:
        return befall(incidents, files, arm, until=until, tally=Tally()).tally.minutes_at(0.5)

    goal = median(replace(now, staffing=None)) or 0
    low, high, pace = 0.0, 1.0, 1.0
    for _ in range(PASSES):
        found = median(replace(now, pace=pace))
        if found is not None and abs(found - goal) <= NEAR * goal:
            break
        low, high = (low, pace) if found is None or found > goal else (pace, high)
        pace = (low + high) / 2
    return pace
