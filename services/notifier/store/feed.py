"""The feed: every event once, at positions that grow in the order of the commits, so that a cursor skips nothing.

`store.feeding` puts it there; here it is read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, bindparam, func, select

from services.notifier.model.subscription import Place
from services.notifier.tables import feed, feed_marks
from shared.contracts.event import Event
from shared.db.port import Database, Reader
from shared.db.statement import Query, Row, any_of
from shared.ids import AccountId, TicketId
from shared.tickets.store import entry_of
from shared.tickets.tables import LOG_COLUMNS, ticket_log

FED = "vrc_feed"  # the channel announced whenever the feed grew
PAGE = 500

_oldest, _newest = (select(f(feed.c.position)).scalar_subquery() for f in (func.min, func.max))
BOUNDS = Query(select(_oldest.label("oldest"), _newest.label("newest")))  # in one SELECT, SQLite reads every row
_LOG = tuple(ticket_log.c[name] for name in LOG_COLUMNS)
_SAME = and_(feed.c.ticket == ticket_log.c.ticket, feed.c.seq == ticket_log.c.seq)


def _page(*where: Any) -> Query:
    between = (feed.c.position > bindparam("after"), feed.c.position <= bindparam("upto"))
    found = select(feed.c.position, *_LOG).select_from(feed.join(ticket_log, _SAME)).where(*between, *where)
    return Query(found.order_by(feed.c.position).limit(bindparam("most")))


OF_ALL = _page()
OF_ACCOUNT = _page(feed.c.account == bindparam("account"))  # in the order of its index; several have to be sorted
OF_ACCOUNTS = _page(any_of(feed.c.account, "accounts"))
OF_TICKET = _page(feed.c.ticket == bindparam("ticket"))
# Up to the mark only: what is in the log but not yet in the feed comes live, with its position.
HISTORY = Query(
    select(feed.c.position, *_LOG)
    .select_from(ticket_log.join(feed_marks, feed_marks.c.ticket == ticket_log.c.ticket).outerjoin(feed, _SAME))
    .where(
        ticket_log.c.ticket == bindparam("ticket"),
        ticket_log.c.seq > bindparam("after"),
        ticket_log.c.seq <= feed_marks.c.seq,
    )
    .order_by(ticket_log.c.seq)
    .limit(bindparam("most"))
)
END = 2**62


Topic = tuple[str, str]
EVERYTHING: Topic = ("all", "")


def topics_of(event: Event) -> Sequence[Topic]:
    return EVERYTHING, ("account", event.account), ("ticket", event.ticket)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose events a stream shows: one ticket's, some accounts', or (both None) all.

    `by_place`: it matters to its reader where a ticket's circuit is.
    """

    accounts: frozenset[AccountId] | None = None
    ticket: TicketId | None = None
    by_place: bool = False

    @property
    def topics(self) -> Iterable[Topic]:
        """An event concerns this scope when one of these is among its `topics_of`."""
        if self.ticket is not None:
            return [("ticket", self.ticket)]
        return [EVERYTHING] if self.accounts is None else [("account", account) for account in self.accounts]


@dataclass(frozen=True, slots=True)
class Placed:
    """`position` is None for an event whose row was pruned; `place` is looked up only for who asks for places."""

    position: int | None
    event: Event
    place: Place | None = None


def _placed(row: Row) -> Placed:
    return Placed(row["position"], entry_of(row))


async def bounds(database: Database) -> tuple[int, int]:
    """The oldest and the newest position kept; (0, 0) while there is none."""
    (row,) = await database.fetch(BOUNDS)
    return row["oldest"] or 0, row["newest"] or 0


async def page(reader: Reader, scope: Scope, *, after: int, upto: int = END, most: int = PAGE) -> Sequence[Placed]:
    """Of this scope with after < position <= upto, oldest first."""
    between: dict[str, Any] = {"after": after, "upto": upto, "most": most}
    if scope.ticket is not None:
        rows = await reader.fetch(OF_TICKET, ticket=scope.ticket, **between)
    elif scope.accounts is None:
        rows = await reader.fetch(OF_ALL, **between)
    elif len(scope.accounts) == 1:
        rows = await reader.fetch(OF_ACCOUNT, account=next(iter(scope.accounts)), **between)
    else:
        rows = await reader.fetch(OF_ACCOUNTS, accounts=sorted(scope.accounts), **between)
    return [_placed(row) for row in rows]


async def history(reader: Reader, ticket: TicketId, *, after_seq: int, most: int = PAGE) -> Sequence[Placed]:
    """A ticket's events from the log, pruned or not, as far as they have been fed."""
    return [_placed(row) for row in await reader.fetch(HISTORY, ticket=ticket, after=after_seq, most=most)]
