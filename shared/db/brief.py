"""Which work on the embedded database is brief enough to be done on the event loop itself.

A thread of its own pays for every step by winning the interpreter back from the loop, up to a millisecond each time:
at 300 reports a second the writer's thread spent four fifths of its time waiting for that (decision 0064).
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

BRIEF_S = 0.005
FORGETS = 0.9


class Brief:
    """Learned by kind of work. What is unknown is not brief, nor is what took long a short while ago.

    A kind is forgotten with its last holder: queries that are put together for one request are gone after it.
    """

    def __init__(self) -> None:
        self._took: WeakKeyDictionary[object, float] = WeakKeyDictionary()

    def __contains__(self, kind: object) -> bool:
        return self._took.get(kind, BRIEF_S) < BRIEF_S

    @property
    def known(self) -> int:
        """How many kinds."""
        return len(self._took)

    def took(self, kind: object, seconds: float) -> None:
        """After one that took long it takes some that did not before the kind is brief again."""
        self._took[kind] = max(seconds, self._took.get(kind, 0.0) * FORGETS)


def kind_of(body: Callable[..., Any]) -> object:
    """What bodies made by the same lines of code have in common."""
    while isinstance(body, partial):
        body = body.func
    return getattr(body, "__code__", type(body))
