"""What the rest of the code sees of a database, whichever it is.

A transaction's body is a coroutine that awaits nothing but its `Tx`: on PostgreSQL each await is a round trip, on
SQLite the writer's thread runs the whole body without ever suspending.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from shared.db.statement import BulkInsert, Dialect, Query, Row

T = TypeVar("T")
Body = Callable[["Tx"], Awaitable[T]]
PATIENCE_S = 0.7


class Tx(Protocol):
    """One open transaction. `raw` is the driver's own connection, for the hot statements spelled out by hand."""

    dialect: Dialect
    raw: Any

    async def fetch(self, query: Query, **params: Any) -> Sequence[Row]: ...

    async def insert(self, bulk: BulkInsert, rows: Sequence[tuple[Any, ...]]) -> None: ...

    def announce(self, channel: str) -> None:
        """After the commit, wake whoever listens on this channel, in this process and the others."""


class Reader(Protocol):
    """Answers queries, perhaps on behalf of some accounts only."""

    async def fetch(self, query: Query, *, patience_s: float | None = None, **params: Any) -> Sequence[Row]:
        """Raises Unavailable after `patience_s` (`Database.patience_s` unless given), its wait for a turn included."""

    def within(self, accounts: Iterable[str]) -> "Reader":
        """On behalf of these accounts: PostgreSQL itself shows their rows and no others, whatever a query forgets.

        On SQLite, which has no such wall, the reader itself: there the queries' own WHERE is the only one.
        """


class Database(Reader, Protocol):
    """Raises Unavailable when the server does not answer; a body's own error rolls its transaction back."""

    dialect: Dialect
    patience_s: float
    """How long a request waits for an answer before it is told to come again."""

    async def transact(self, body: Body[T]) -> T: ...

    async def single(self, body: Body[T]) -> T:
        """`transact` for a body that writes with exactly one statement, a transaction by itself: fewer round trips."""

    def listen(self, channel: str, wake: Callable[[], None]) -> None:
        """Call `wake` after each commit that announced the channel. Wakes may merge; none replaces a slow poll."""

    async def close(self) -> None: ...
