"""`vrc simulate`: a history, or faults drawn over the real topology, against a proposed policy, staffing or routing.

`incidents` is what befalls, `recorded` and `drawn` where it comes from; `center` decides as production does, `lives` is
what people do, `clockwork`, `crews` and `staffing` when they can; `arms` runs one side, `comparing` both, `report`
shows.
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from services.commands.simulate.arms import Arm, Routing, World

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PATH = click.Path(exists=True, path_type=Path)
ROUTING = click.Choice(["both-ends", "one-end", "located"])
A_YEAR = 365


def add_to(group: click.Group) -> None:
    @group.command()
    @click.argument("history", type=FILE, required=False)
    @click.option("--policy", type=PATH, help="Proposed: the SLA policy; left out, that of now")
    @click.option("--staffing", type=FILE, help="Proposed: repair crews and their hours (TOML)")
    @click.option("--routing", type=ROUTING, help="Proposed: who is ordered while the faulty segment is not known; "
                  "located: it is known at once")  # fmt: skip
    @click.option("--now-policy", type=PATH, help="Now; left out, the policy that ships")
    @click.option("--now-staffing", type=FILE, help="Now; left out, a crew is always free")
    @click.option("--now-routing", type=ROUTING, default="both-ends", show_default=True, help="Now")
    @click.option(
        "--days", type=click.IntRange(1, 3660), help="Draw faults for so long, like HISTORY's if one is given"
    )
    @click.option("--faults-per-day", "per_day", type=click.FloatRange(min=0.01), help="Left out: as in HISTORY, or 40")
    @click.option("--from", "begins", type=click.DateTime(["%Y-%m-%d"]), default="2026-01-01", show_default=True,
                  help="The first day, where there is no HISTORY")  # fmt: skip
    @click.option("--registry", type=click.Path(exists=True, file_okay=False, path_type=Path),
                  help="A folder of the registry's CSV files; left out: the demonstration's")  # fmt: skip
    @click.option("--seed", type=int, default=0, show_default=True, help="Another seed, other faults")
    @click.option("--json", "as_json", is_flag=True, help="For programs")
    def simulate(
        history: Path | None,
        policy: Path | None,
        staffing: Path | None,
        routing: "Routing | None",
        now_policy: Path | None,
        now_staffing: Path | None,
        now_routing: "Routing",
        days: int | None,
        per_day: float | None,
        begins: datetime,
        registry: Path | None,
        seed: int,
        as_json: bool,
    ) -> None:
        """Compare attainment now and as proposed, on a simulated clock.

        With HISTORY (CSV, as for vrc replay) alone, every incident takes the time that it took; with --days, faults are
        drawn like its; without it, like the demonstration's.
        """
        from services.commands.simulate.arms import Arm, World
        from services.demo_data import DATA
        from shared.clock import to_ms

        if history and days is None and (routing or now_routing != "both-ends"):
            raise click.UsageError("HISTORY does not say where faults were; to compare routing, draw them with --days.")
        if history and staffing and not now_staffing:
            raise click.UsageError("HISTORY does not say how many crews there were; say so with --now-staffing.")
        world = World(
            registry or DATA / "demo", (registry or DATA) / "networks.csv", history,
            days or (None if history else A_YEAR), per_day, to_ms(begins.replace(tzinfo=UTC)), seed,
        )  # fmt: skip
        now = Arm(now_policy, now_staffing, now_routing)
        proposed = Arm(policy or now_policy, staffing or now_staffing, routing or now_routing)
        _show(world, now, proposed, as_json=as_json)


def _show(world: "World", *sides: "Arm", as_json: bool) -> None:
    from services.commands.simulate import report
    from services.commands.simulate.comparing import calibrated, compared

    try:
        pace = calibrated(world, sides[0]) if world.history and sides[0].staffing else 1.0
        arms = [replace(side, pace=pace) for side in sides]
        results = compared(world, arms)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from None
    (report.as_json if as_json else report.table)(world, arms, results)
