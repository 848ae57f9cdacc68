"""`vrc demo`: simulated key accounts and local networks around a running center, shown live.

`board` folds what happens into figures (pure), `view` shows them, `beside` runs the same people inside `vrc up`.
"""

from pathlib import Path

import click

from services.commands.credentials import at_center


def add_to(group: click.Group) -> None:
    @group.command()
    @at_center
    @click.option("--rate", type=click.FloatRange(min=0.01), default=12.0, show_default=True, help="Faults a minute")
    @click.option("--speed", type=click.FloatRange(min=0.01), default=60.0, show_default=True,
                  help="How many times faster than in life the people work")  # fmt: skip
    @click.option(
        "--faults", type=click.IntRange(min=1), help="End when so many were reported and are over; else endless"
    )
    @click.option("--kafka", help="Bootstrap servers: the local networks speak over Kafka instead of HTTP")
    @click.option("--seed", type=int, default=0, show_default=True, help="Another seed tells another story")
    @click.option("--lang", type=click.Choice(["zh", "en"]), default="en", show_default=True, help="中文 or English")
    def demo(
        url: str,
        credentials: Path,
        rate: float,
        speed: float,
        faults: int | None,
        kafka: str | None,
        seed: int,
        lang: str,
    ) -> None:
        """Let simulated key accounts report faults and simulated local networks repair them."""
        from services.commands.demo.play import run
        from shared.testing.simulation import Manner

        manner = Manner(rate=rate, speed=speed, faults=faults, kafka=kafka, seed=seed)
        run(url, credentials, manner=manner, lang="zh" if lang == "zh" else "en")
