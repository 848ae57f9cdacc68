"""The reference library of Standard Webhooks, the judge of whether a receiver would take our signatures."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from shared.testing.node import INSTALLED, node
from shared.testing.process import ServerDidNotStart

PROGRAM = INSTALLED.parents[1] / "deploy/servers/standardwebhooks/verify.mjs"
MODULES = INSTALLED / "standardwebhooks"


@dataclass(frozen=True, slots=True)
class Received:
    """A webhook as it came, with what its receiver checks it by."""

    secret: str
    publicKey: str
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Judgement:
    v1: bool
    v1a: bool


def judge(received: Sequence[Received]) -> Sequence[Judgement]:
    if not MODULES.is_dir():
        raise ServerDidNotStart("standardwebhooks is not installed; deploy/servers/install.sh does it")
    lines = "".join(json.dumps(asdict(one)) + "\n" for one in received)
    done = subprocess.run([node(), PROGRAM, MODULES], input=lines, capture_output=True, text=True, check=True)
    return [Judgement(**json.loads(line)) for line in done.stdout.splitlines()]
