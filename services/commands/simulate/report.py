"""What a simulation shows: a row a figure, now beside proposed; or the same as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

import click
import orjson
from rich.console import Console
from rich.table import Table

from services.commands.simulate.arms import Arm, Result, World
from services.commands.simulate.tally import HOUR_MS, MINUTE_MS, Share

WORST = 5
Row = tuple[str, ...]


def as_json(world: World, arms: Sequence[Arm], results: Sequence[Result]) -> None:
    found = {
        "seed": world.seed, "days": world.days,
        **{name: _figures(arm, result) for name, arm, result in zip(("now", "proposed"), arms, results, strict=True)},
    }  # fmt: skip
    click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())


def _figures(arm: Arm, result: Result) -> dict[str, Any]:
    t = result.tally
    shares = {"target": t.target, "5_hours": t.within_5_h, "2_hours": t.within_2_h, "response": t.response}
    return {
        "policy": arm.policy and str(arm.policy), "staffing": arm.staffing and str(arm.staffing),
        "routing": arm.routing, "pace": arm.pace,
        "tickets": t.tickets, "joined": t.joined, "unroutable": t.unroutable, "restored": t.restored,
        "open_at_the_end": t.left, "most_open": t.most_open,
        "attainment": {name: _share(share) for name, share in shares.items()},
        "time_to_repair_minutes": {"median": t.minutes_at(0.5), "p90": t.minutes_at(0.9), "mean": _mean(result)},
        "suspended_hours": {"pending": t.pending_ms / HOUR_MS, "held": t.held_ms / HOUR_MS},
        "by_tier": {tier: _share(share) for tier, share in sorted(t.by_tier.items())},
        "by_network": {network: _share(share) for network, share in sorted(t.by_network.items())},
        "predicted": {basis: _share(share) for basis, share in sorted(t.predicted.items())},
        "crews": {
            "jobs": result.jobs, "worked_hours": result.worked_ms / HOUR_MS, "waited_hours": result.waited_ms / HOUR_MS,
        },
        "peak_mib": result.peak_mib,
    }  # fmt: skip


def _share(share: Share) -> dict[str, Any]:
    return {"kept": share.kept, "of": share.all, "percent": share.percent}


def _mean(result: Result) -> float | None:
    t = result.tally
    return t.total_ms / t.restored / MINUTE_MS if t.restored else None


def table(world: World, arms: Sequence[Arm], results: Sequence[Result]) -> None:
    shown = Table("", "now", "proposed", title=_title(world), title_justify="left")
    for column in shown.columns[1:]:
        column.justify = "right"
    for row in _terms(arms):
        shown.add_row(*row)
    shown.add_section()
    for section in (_tickets, _attained, _times, _crews, _breaches):
        for row in section(results):
            shown.add_row(*row)
        shown.add_section()
    Console().print(shown)


def _title(world: World) -> str:
    if world.days is None:
        return "As it was recorded"
    like = f"like those of {world.history.name}" if world.history else "like the demonstration's"
    return f"{world.days} days of faults {like}, seed {world.seed}"


def _terms(arms: Sequence[Arm]) -> Iterator[Row]:
    now, proposed = arms
    yield "policy", *(arm.policy.name if arm.policy else "as shipped" for arm in arms)
    yield "crews", *(arm.staffing.name if arm.staffing else "always one free" for arm in arms)
    yield "routing", now.routing, proposed.routing
    if now.pace != 1.0:
        yield "part of the recorded work that takes a crew", f"{now.pace:.2f}", f"{proposed.pace:.2f}"


def _tickets(results: Sequence[Result]) -> Iterator[Row]:
    tallies = [result.tally for result in results]
    yield "tickets", *(f"{t.tickets:,}" for t in tallies)
    yield "further reports of an open ticket", *(f"{t.joined:,}" for t in tallies)
    yield "open at the end", *(f"{t.left:,}" for t in tallies)
    yield "most open at once", *(f"{t.most_open:,}" for t in tallies)


def _attained(results: Sequence[Result]) -> Iterator[Row]:
    tallies = [result.tally for result in results]
    yield "restored within the target", *(_percent(t.target) for t in tallies)
    yield "within 5 h", *(_percent(t.within_5_h) for t in tallies)
    yield "within 2 h", *(_percent(t.within_2_h) for t in tallies)
    yield "accepted in time", *(_percent(t.response) for t in tallies)
    held = [Share(sum(s.kept for s in t.predicted.values()), sum(s.all for s in t.predicted.values())) for t in tallies]
    yield "restored in the range first predicted", *(_percent(share) for share in held)


def _times(results: Sequence[Result]) -> Iterator[Row]:
    tallies = [result.tally for result in results]
    yield "time to repair, median", *(_length(t.minutes_at(0.5)) for t in tallies)
    yield "time to repair, 90 %", *(_length(t.minutes_at(0.9)) for t in tallies)
    yield "time to repair, mean", *(_length(_mean(result)) for result in results)
    yield "clock stopped (pending)", *(f"{t.pending_ms / HOUR_MS:,.0f} h" for t in tallies)
    yield "waited on our side (held)", *(f"{t.held_ms / HOUR_MS:,.0f} h" for t in tallies)


def _crews(results: Sequence[Result]) -> Iterator[Row]:
    if any(result.jobs for result in results):
        yield "crews at work", *(f"{result.worked_ms / HOUR_MS:,.0f} h" for result in results)
        yield "wait for a crew, mean", *(_waited(result) for result in results)


def _waited(result: Result) -> str:
    return _length(result.waited_ms / result.jobs / MINUTE_MS) if result.jobs else "none"


def _breaches(results: Sequence[Result]) -> Iterator[Row]:
    yield "late", *(f"{r.tally.target.all - r.tally.target.kept:,}" for r in results)
    tiers = sorted({tier for result in results for tier in result.tally.by_tier})
    for tier in tiers:
        yield f"late, {tier}", *(_late(result.tally.by_tier.get(tier)) for result in results)
    of = results[0].tally.by_network
    for network in sorted(of, key=lambda code: (of[code].kept - of[code].all, code))[:WORST]:
        yield f"late, network {network}", *(_late(result.tally.by_network.get(network)) for result in results)


def _late(share: Share | None) -> str:
    return f"{share.all - share.kept:,} of {share.all:,}" if share else "none"


def _percent(share: Share) -> str:
    return "-" if share.percent is None else f"{share.percent:.1f} %"


def _length(minutes: float | None) -> str:
    if minutes is None:
        return "-"
    hours, left = divmod(round(minutes), 60)
    return f"{hours:,} h {left:02d} min" if hours else f"{left} min"
