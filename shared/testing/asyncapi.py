"""AsyncAPI's own parser, the judge of whether a document is one."""

import json
import subprocess
from typing import Any

from shared.testing.node import INSTALLED, node
from shared.testing.process import ServerDidNotStart

PROGRAM = INSTALLED.parents[1] / "deploy/servers/asyncapi/check.mjs"
MODULES = INSTALLED / "asyncapi"


def faults(document: str) -> list[dict[str, Any]]:
    """What is wrong with it: code, message, path. None is the judgement that it is valid."""
    if not MODULES.is_dir():
        raise ServerDidNotStart("AsyncAPI's parser is not installed; deploy/servers/install.sh does it")
    done = subprocess.run([node(), PROGRAM, MODULES], input=document, capture_output=True, text=True, check=False)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    wrong = [one for one in found if one["severity"] == 0]
    assert bool(wrong) == bool(done.returncode), done.stderr
    return wrong
