"""A log that can be read while something is away for long: what says the same again and again is said now and then.

A broker that is killed made one process write 300 lines a second, a broker without its topics 9,000.
"""

import logging
import time
from dataclasses import dataclass

EVERY_S = 10.0
REMEMBERED = 500
OF_THE_BUS = ("aiokafka", "asyncio", "shared.bus")


@dataclass(slots=True)
class _Said:
    at: float
    left_out: int = 0


class Sparing(logging.Filter):
    """Warnings and errors of the bus, its client and the event loop: the same one every ten seconds, with how often it
    was left out. For handlers.

    Two of aiokafka are the same whatever numbers they name, others only if they read the same.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, int, str], _Said] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or not record.name.startswith(OF_THE_BUS):
            return True
        text = str(record.msg) if record.name.startswith("aiokafka") else record.getMessage()
        key, now = (record.name, record.levelno, text), time.monotonic()
        before = self._said.get(key)
        if before is not None and now - before.at < EVERY_S:
            before.left_out += 1
            return False
        if len(self._said) >= REMEMBERED:
            self._said.clear()
        self._said[key] = _Said(now)
        if before is not None and before.left_out:
            record.msg, record.args = f"{record.getMessage()} (and {before.left_out} times more before)", ()
        return True
