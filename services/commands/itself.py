"""The command `vrc` as it was called, for commands that are told as the next step: they run as they are printed."""

import shlex
import shutil
import sys
from pathlib import Path


def itself(*arguments: str) -> str:
    """A whole command line for a shell, from `vrc` on."""
    return shlex.join([*_called(), *arguments])


def _called() -> list[str]:
    called = sys.argv[0]
    match Path(called).name:
        case "cli.py":
            return [sys.executable, "-m", "services.cli"]
        case "vrc" if shutil.which("vrc") != called:
            return [called]
        case _:
            return ["vrc"]
