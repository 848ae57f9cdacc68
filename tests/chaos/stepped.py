"""The command `vrc` on a machine whose clock is set while it runs: `stepped.py <file> <command …>`.

The file holds how many milliseconds the clock is ahead of the true one; it is read whenever the program asks the time.
"""

import os
import sys
import time
from datetime import datetime
from pathlib import Path

from services.cli import main
from shared.clock import SystemClock, from_ms

WIDTH = 12


def set_clock(file: Path, ahead_ms: int) -> None:
    """In place and at once: no reader sees half of it."""
    text = f"{ahead_ms:+{WIDTH}}".encode()
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT), "wb", buffering=0) as opened:
        opened.write(text)


def follow(file: Path) -> None:
    """From now on this process knows the time by the file only."""
    opened = os.open(file, os.O_RDONLY)

    def now(_: SystemClock) -> datetime:
        return from_ms(time.time_ns() // 1_000_000 + int(os.pread(opened, WIDTH, 0)))

    SystemClock.now = now


if __name__ == "__main__":
    follow(Path(sys.argv.pop(1)))
    main()
