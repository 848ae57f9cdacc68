"""`python -m tests.chaos`: kill -9 under load, a line a kill and a table of promises; status 1 if one was broken."""

import argparse
import asyncio
import logging
import secrets
import sys
from functools import partial
from time import monotonic

from shared.testing.servers import Kafka, Postgres
from tests.chaos import deadlines
from tests.chaos.check import Verdict
from tests.chaos.scenes import SERVICES, Run, embedded, production

KILLS = {
    "embedded": 50, "services": 20, "pairs": 5, "notifiers": 100, "broker": 5, "outage": 2, "database": 5,
    "deadlines": 60, "deadlines-pairs": 24,
}  # fmt: skip
VICTIMS = {"broker": ("broker",), "outage": ("outage",), "database": ("database",), "notifiers": ("notifier",)}
RATE = 20.0


async def play(scene: str, kills: int, run: Run) -> Verdict:
    if scene == "embedded":
        return await embedded(kills, run)
    if scene == "deadlines":
        return await deadlines.embedded(kills, run)
    victims = VICTIMS.get(scene, SERVICES) * kills
    copies, aimed = 2 if scene == "pairs" else 1, scene == "notifiers"
    with Postgres() as postgres, Kafka(quick_start=True) as kafka:
        if scene == "deadlines-pairs":
            return await deadlines.production(kills, run, postgres=postgres, kafka=kafka)
        return await production(victims, run, postgres=postgres, kafka=kafka, copies=copies, aimed=aimed)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("scenes", nargs="*", metavar="scene", help=f"{', '.join(KILLS)}; all of them if none is named")
    parser.add_argument(
        "--kills", type=int, help=f"of each victim; strikes of the scenes of deadlines (default: {KILLS})"
    )
    parser.add_argument("--rate", type=float, default=RATE, help=f"reports a second (default: {RATE:g})")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="makes the instants of chance again")
    arguments = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a broker that is away is no news here
    if unknown := set(arguments.scenes) - KILLS.keys():
        parser.error(f"no such scene: {', '.join(unknown)}")
    verdicts = {}
    for scene in arguments.scenes or KILLS:
        began_at, kills = monotonic(), arguments.kills or KILLS[scene]
        print(f"{scene}: {kills} kills, seed {arguments.seed}", flush=True)
        run = Run.seeded(arguments.seed, rate=arguments.rate, say=partial(print, f"{scene:9}", flush=True))
        verdicts[scene] = asyncio.run(play(scene, kills, run))
        print(f"{verdicts[scene].table(scene)}\n  in {monotonic() - began_at:.0f} s\n", flush=True)
    sys.exit(not all(verdict.kept for verdict in verdicts.values()))


if __name__ == "__main__":
    main()
