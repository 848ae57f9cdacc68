"""`vrc demo`: simulated key accounts and local networks around a running center, shown live.

`board` folds what happens into figures (pure), `view` shows them, `beside` runs the same people inside `vrc up`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from services.commands.credentials import at_center
from services.commands.itself import itself
from shared.bus.rights import NETWORK_USER
from shared.ids import NetworkCode

if TYPE_CHECKING:
    from shared.bus.kafka import Access

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


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
    @click.option(
        "--kafka-passwords", type=FOLDER, help="Where vrc networks provision put them: each network as itself"
    )
    @click.option("--kafka-ca-file", type=FILE, help="Authorities (PEM) of a locked broker's certificate")
    @click.option("--kafka-security", type=click.Choice(["SASL_SSL", "SASL_PLAINTEXT"]), default="SASL_SSL",
                  show_default=True, help="With --kafka-passwords; the other for loopback only")  # fmt: skip
    @click.option("--seed", type=int, default=0, show_default=True, help="Another seed tells another story")
    @click.option("--lang", type=click.Choice(["zh", "en"]), default="en", show_default=True, help="中文 or English")
    def demo(
        url: str,
        credentials: Path,
        rate: float,
        speed: float,
        faults: int | None,
        kafka: str | None,
        kafka_passwords: Path | None,
        kafka_ca_file: Path | None,
        kafka_security: str,
        seed: int,
        lang: str,
    ) -> None:
        """Let simulated key accounts report faults and simulated local networks repair them."""
        from services.commands.demo.play import run
        from shared.testing.simulation import Manner

        access = None
        if kafka_passwords is not None:
            access = _access(kafka_passwords, ca_file=kafka_ca_file, tls=kafka_security == "SASL_SSL")
        manner = Manner(rate=rate, speed=speed, faults=faults, kafka=kafka, access=access, seed=seed)
        run(url, credentials, manner=manner, lang="zh" if lang == "zh" else "en")


def _access(passwords: Path, *, ca_file: Path | None, tls: bool) -> "Mapping[NetworkCode, Access]":
    from shared.bus.kafka import Access

    files = sorted(passwords.glob(f"{NETWORK_USER}*.password"))
    if not files:
        makes = itself("networks", "provision")
        raise click.ClickException(f"{passwords} holds no local network's password; {makes} makes them.")
    return {
        NetworkCode(file.stem.removeprefix(NETWORK_USER)): Access(
            user=file.stem, password_file=file, ca_file=ca_file, tls=tls
        )
        for file in files
    }
