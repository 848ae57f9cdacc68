"""Group commit: requests that arrive while a commit is under way share the next one.

Whatever waits is taken at once, so a lone request pays nothing and 64 at once pay one commit. A second commit begins
beside the first only when that one takes long, as on a slow disk: on a quick one, two small ones cost more than one
of twice the size (at 16 clients a sixth more CPU a report, and a tenth fewer reports).

A batch that fails is run again item by item, so one bad item never fails its neighbours; items whose outcome is AGAIN
are run again together. Nothing is ever cancelled around a COMMIT: a caller whose patience ends is told to ask again,
and the commit goes on.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum, auto
from typing import Final, Generic, TypeVar, cast

from shared.db.port import Database, Tx
from shared.errors import CenterError, Unavailable

I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741
LONG_S = 0.002  # for one commit


class Again(Enum):
    """What a body answers for an item that it did not do: it is to be run carefully, with all others of its batch."""

    AGAIN = auto()


AGAIN: Final = Again.AGAIN
BatchBody = Callable[[Tx, Sequence[I]], Awaitable[Sequence[O | CenterError | Again]]]
Waiting = tuple[I, asyncio.Future[O], float]


class GroupCommit(Generic[I, O]):
    """`body` decides a whole batch in one transaction; an item's refusal is its outcome, not an exception.

    `carefully` (default: `body`) runs one item alone after its batch failed, and what is to be run again. With
    `single`, `body` writes with one statement, and `carefully` in a transaction all the same.
    """

    def __init__(
        self,
        database: Database,
        body: BatchBody[I, O],
        *,
        carefully: BatchBody[I, O] | None = None,
        single: bool = False,
        lanes: int = 2,
        max_batch: int = 256,
        max_waiting: int = 20_000,
        patience_s: float | None = None,
    ) -> None:
        self._database = database
        self._body = body
        self._carefully = carefully or body
        self._single = single
        self._lanes = lanes if database.dialect == "postgresql" else 1
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._patience_s = database.patience_s if patience_s is None else patience_s
        self._queue: deque[Waiting[I, O]] = deque()
        self._in_flight: dict[int, list[Waiting[I, O]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._began = 0.0
        self._beside: asyncio.TimerHandle | None = None
        self._sweep: asyncio.TimerHandle | None = None

    def submit(self, item: I) -> "asyncio.Future[O]":
        """Resolves after the commit that holds the item. Raises Unavailable, or the item's own refusal."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[O] = loop.create_future()
        if len(self._queue) >= self._max_waiting:
            future.set_exception(Unavailable("Too many requests are waiting; try again."))
            return future
        self._queue.append((item, future, time.monotonic()))
        if not self._tasks:
            self._start()
        elif self._beside is None and len(self._tasks) < self._lanes:
            self._beside = loop.call_later(LONG_S, self._start_beside)
        if self._sweep is None:
            self._sweep = loop.call_later(self._patience_s / 8, self._give_up_on_late)
        return future

    async def close(self) -> None:
        """Finishes what was submitted."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        for timer in (self._beside, self._sweep):
            if timer is not None:
                timer.cancel()

    def _start(self) -> None:
        task = asyncio.create_task(self._drain())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _start_beside(self) -> None:
        """If somebody still waits; later, if what is under way has only just begun."""
        self._beside = None
        if not self._queue or len(self._tasks) >= self._lanes:
            return
        if time.monotonic() - self._began >= LONG_S:
            self._start()
        else:
            self._beside = asyncio.get_running_loop().call_later(LONG_S, self._start_beside)

    async def _drain(self) -> None:
        while self._queue:
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), self._max_batch))]
            self._in_flight[id(batch)] = batch
            self._began = time.monotonic()
            try:
                await self._commit(batch)
            finally:
                del self._in_flight[id(batch)]
        # Here, not in a callback of the finished task: whoever was just answered may submit before that runs, and
        # would find the lane taken by a task that looks at the queue no more.
        self._tasks.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _commit(self, batch: list[Waiting[I, O]]) -> None:
        if again := await self._attempt(batch, self._body, self._single):
            await self._attempt(again, self._carefully, False)

    async def _attempt(self, batch: list[Waiting[I, O]], body: BatchBody[I, O], single: bool) -> list[Waiting[I, O]]:
        """Answers what is to be run again."""
        again: list[Waiting[I, O]] = []
        try:
            outcomes = await self._run(body, [item for item, _, _ in batch], single)
        except Unavailable as error:
            for _, future, _ in batch:
                _settle(future, error)
        except Exception:  # noqa: BLE001  an edge: whose fault it was shows item by item
            await self._commit_one_by_one(batch)
        else:
            for waiting, outcome in zip(batch, outcomes, strict=True):
                if outcome is AGAIN:
                    again.append(waiting)
                else:
                    _settle(waiting[1], outcome)
        return again

    async def _commit_one_by_one(self, batch: list[Waiting[I, O]]) -> None:
        for item, future, _ in batch:
            try:
                (outcome,) = await self._run(self._carefully, [item], False)
            except Exception as error:  # noqa: BLE001  an edge: the caller gets it
                if not future.done():
                    future.set_exception(error)
            else:
                assert outcome is not AGAIN
                _settle(future, outcome)

    async def _run(self, body: BatchBody[I, O], items: Sequence[I], single: bool) -> Sequence[O | CenterError | Again]:
        run = self._database.single if single else self._database.transact
        return await run(lambda tx: body(tx, items))

    def _give_up_on_late(self) -> None:
        """Answer those who waited too long; their items stay where they are and may still be committed."""
        late = time.monotonic() - self._patience_s
        error = Unavailable("The database does not answer in time; ask again with the same Idempotency-Key.")
        for waiting in (self._queue, *self._in_flight.values()):
            for _, future, since in waiting:
                if since < late:
                    _settle(future, error)
        busy = bool(self._queue or self._in_flight)
        loop = asyncio.get_running_loop()
        self._sweep = loop.call_later(self._patience_s / 8, self._give_up_on_late) if busy else None


def _settle(future: "asyncio.Future[O]", outcome: O | CenterError) -> None:
    if future.done():
        return
    if isinstance(outcome, CenterError):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
