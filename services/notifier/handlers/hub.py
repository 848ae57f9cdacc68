"""Live streams: one task a process reads the feed on and hands each event, rendered once, to every stream it concerns.

A stream is live only from the position it has caught up to; before, and whenever its reader is too slow for the
connection's buffer, it reads the feed from the record at the reader's own pace. So nothing is skipped or repeated,
nobody waits for the slow, and nothing is buffered here. While no stream is live the feed is not read at all.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from typing import Protocol

import orjson

from services.notifier.metrics import NotifierMetrics
from services.notifier.store import feed
from services.notifier.store.feed import FED, Placed, Scope, Topic, topics_of
from services.notifier.store.places import in_place
from shared.bus.wake import Wake
from shared.contracts.event import public
from shared.db.port import Database, Reader
from shared.errors import FieldError, Gone, InvalidInput, TooManyRequests
from shared.ids import TicketId
from shared.web.live import chunk

HEARTBEAT = chunk(b": still here\n\n")
HEARTBEAT_EVERY_S = 15.0
AT_ONCE = 500  # streams served before others in this process get a turn
PAGE = 100  # what a stream that catches up reads, and has in its connection's buffer, at once
PLACE_MAY_BE_FREE_S = 30
HEADER = "header:last-event-id"


Face = Callable[[Placed], bytes]


class Admission(Hashable, Protocol):
    """What a stream was let in by. Equal ones are looked at together, however many streams they let in."""

    def holds(self) -> Awaitable[bool]:
        """Whether it would be let in now as it was then."""


class Party:
    """The open streams that one admission let in. `name` is whose they are counted among; None: not counted."""

    __slots__ = ("admission", "listeners", "name")

    def __init__(self, admission: Admission, name: str | None) -> None:
        self.admission = admission
        self.name = name
        self.listeners: set[Listener] = set()


class Listener(Protocol):
    """An open stream. None of these may wait or raise; those not live ignore what they are offered.

    `face` makes an event's bytes, none for what it does not show.
    """

    scope: Scope
    party: Party
    face: Face

    def offer(self, position: int, shown: bytes) -> None:
        """`shown` is a chunk, as it goes on the wire."""

    def heartbeat(self) -> None: ...

    def end(self) -> None: ...


def frame(placed: Placed) -> bytes:
    """One server-sent event. Type and data hold no line break: the type is one of ours, JSON escapes them."""
    event = placed.event
    id_line = b"" if placed.position is None else b"id: %d\n" % placed.position
    return b"%sevent: %s\ndata: %s\n\n" % (id_line, event.type.encode(), orjson.dumps(public(event)))


class Hub:
    """`run_once` reads what is new; call it whenever `wake` is set, and every second."""

    def __init__(self, database: Database, metrics: NotifierMetrics, *, most_of_account: int = 0) -> None:
        self._most_of_account = most_of_account  # 0: any number
        self._of_name: Counter[str | None] = Counter()
        self._database = database
        self._metrics = metrics
        self._live: dict[Topic, set[Listener]] = defaultdict(set)
        self._joined: set[Listener] = set()
        self._parties: dict[Admission, Party] = {}
        self._beat_at = 0.0
        self.position = 0
        self.closed = False
        self.wake = Wake()
        database.listen(FED, self.wake.set)

    async def start_after(self, last_event_id: str | None) -> int | None:
        """The position a stream resumes after; None when it does not resume. Raises InvalidInput or Gone."""
        if last_event_id is None:
            return None
        if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 19):
            raise InvalidInput(FieldError(HEADER, "is not the id of an event of a stream"), status=400)
        position = int(last_event_id)
        oldest, newest = await feed.bounds(self._database)
        if position > newest:
            raise InvalidInput(FieldError(HEADER, "is later than anything that has happened"), status=400)
        if position < oldest - 1:
            raise Gone("What followed this event is no longer kept; start anew.", oldest=str(oldest))
        return position

    async def newest(self) -> int:
        _, newest = await feed.bounds(self._database)
        return newest

    async def current(self) -> int:
        """The position up to which a stream must read for itself before it can `join`."""
        if not self._joined:
            self.position = max(self.position, await self.newest())
        return self.position

    async def read(self, reader: Reader, scope: Scope, *, after: int, upto: int) -> Sequence[Placed]:
        """Up to `PAGE` events; fewer mean that there are no more."""
        page = await feed.page(reader, scope, after=after, upto=upto, most=PAGE)
        return await in_place(reader, page) if scope.by_place else page

    async def history(self, reader: Reader, ticket: TicketId, *, after_seq: int) -> Sequence[Placed]:
        return await feed.history(reader, ticket, after_seq=after_seq, most=PAGE)

    def require_place(self, name: str, most: int | None = None) -> None:
        """`most` None: as many as an account may have. Raises TooManyRequests."""
        most = self._most_of_account if most is None else most
        if 0 < most <= self._of_name[name]:
            self._metrics.stream_refused()
            raise TooManyRequests(
                f"{most} of your live streams are open; close one, or let several readers share.",
                retry_after_s=PLACE_MAY_BE_FREE_S,
            )

    def party(self, admission: Admission, name: str | None) -> Party:
        return self._parties.get(admission) or Party(admission, name)

    def enter(self, listener: Listener) -> None:
        """An open stream, live or not, so that it can be ended."""
        party = self._parties.setdefault(listener.party.admission, listener.party)
        listener.party = party
        party.listeners.add(listener)
        self._of_name[party.name] += 1
        self._metrics.streams.inc()

    def exit(self, listener: Listener) -> None:
        self.leave(listener)
        party = listener.party
        party.listeners.discard(listener)
        if not party.listeners:
            self._parties.pop(party.admission, None)
        self._of_name[party.name] -= 1
        if not self._of_name[party.name]:
            del self._of_name[party.name]
        self._metrics.streams.dec()

    def join(self, listener: Listener) -> None:
        """Live from `position` on: whoever joins has seen all before. Must not follow an await after looking at it."""
        self._joined.add(listener)
        for topic in listener.scope.topics:
            self._live[topic].add(listener)
        self.wake.set()

    def leave(self, listener: Listener) -> None:
        """Live no more; harmless when it was not."""
        if listener not in self._joined:
            return
        self._joined.discard(listener)
        for topic in listener.scope.topics:
            self._live[topic].discard(listener)
            if not self._live[topic]:
                del self._live[topic]

    def close(self) -> None:
        """Ends every stream, and those that come later at once."""
        self.closed = True
        for listener in self._all():
            listener.end()

    async def dismiss(self) -> None:
        """Ends the streams of callers who would not be let in any more: a key revoked or expired, other terms."""
        for number, party in enumerate(list(self._parties.values()), 1):
            if not await party.admission.holds():
                for listener in list(party.listeners):
                    listener.end()
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)

    async def run_once(self) -> None:
        """What is new, to whom it concerns; heartbeats when it is time."""
        while self._joined:
            found = await feed.page(self._database, Scope(), after=self.position)
            for placed in found:
                if placed.position is not None and placed.position > self.position:
                    await self._broadcast(placed.position, placed)
            if len(found) < feed.PAGE:
                break
        now = asyncio.get_running_loop().time()
        if now - self._beat_at >= HEARTBEAT_EVERY_S:
            self._beat_at = now
            await self._each(self._all(), lambda listener: listener.heartbeat())

    async def _broadcast(self, position: int, placed: Placed) -> None:
        if any(listener.scope.by_place for listener in self._concerned(placed)):
            (placed,) = await in_place(self._database, [placed])  # before anybody is past it: this may fail
        self.position = position
        concerned = self._concerned(placed)
        shown = {face: chunk(face(placed)) for face in {listener.face for listener in concerned}}
        await self._each(concerned, lambda listener: listener.offer(position, shown[listener.face]))

    def _concerned(self, placed: Placed) -> list[Listener]:
        return [listener for topic in topics_of(placed.event) for listener in self._live.get(topic, ())]

    def _all(self) -> list[Listener]:
        return [listener for party in self._parties.values() for listener in party.listeners]

    async def _each(self, listeners: Iterable[Listener], do: Callable[[Listener], None]) -> None:
        for number, listener in enumerate(listeners, 1):
            do(listener)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
