"""`vrc replay`: a recorded incident history, played against a running center over HTTP.

`mapping` says what each row means, `history` reads the file, `requests` makes the bodies, `player` plays one
incident, `runner` plays them all, `report` shows what was done.
"""

from pathlib import Path

import click

from services.commands.credentials import at_center
from services.commands.files import Writable


def add_to(group: click.Group) -> None:
    file = click.Path(exists=True, dir_okay=False, path_type=Path)

    @group.command()
    @click.argument("history", type=file)
    @at_center
    @click.option("--speed", type=click.FloatRange(min=0), default=0.0, show_default=True,
                  help="How many times faster than it happened; 0: as fast as possible")  # fmt: skip
    @click.option("--at-once", type=click.IntRange(min=1, max=200), default=16, show_default=True,
                  help="How many incidents are played side by side when --speed is 0")  # fmt: skip
    @click.option("--historic", is_flag=True, help="Send the file's instants (as UTC) instead of letting now stand")
    @click.option("--run", "name", default="1", show_default=True,
                  help="The same name goes on where a replay of this file stopped; another begins anew")  # fmt: skip
    @click.option("--out", type=Writable(),
                  help="Write each incident's ticket as it ended, a JSON line each, sorted by incident")  # fmt: skip
    def replay(
        history: Path,
        url: str,
        credentials: Path,
        speed: float,
        at_once: int,
        historic: bool,
        name: str,
        out: Path | None,
    ) -> None:
        """Turn each incident of HISTORY (CSV) into a report and each later row into the step it stands for."""
        from services.commands.replay.runner import Manner, run

        manner = Manner(speed=speed, at_once=at_once, historic=historic, name=name)
        run(history, url=url, credentials=credentials, manner=manner, out=out)
