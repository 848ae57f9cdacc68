"""The loop every consumer runs never dies and never passes over what it could not handle; its pulse says how it is."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from shared.bus import loop
from shared.bus.kafka.ending import ended
from shared.bus.loop import consume
from shared.bus.wake import Wake
from shared.errors import Unavailable
from shared.health import OWES_AT_MOST, STALE_AFTER_S, Health, Pulse
from tests.waiting import until


class Queue:
    """A source of numbers; what was polled and not done comes again."""

    def __init__(self, last: int) -> None:
        self.waiting = list(range(1, last + 1))
        self.polls = 0

    async def poll(self) -> Sequence[int]:
        self.polls += 1
        await asyncio.sleep(0)
        return self.waiting[:2]

    async def done(self) -> None:
        del self.waiting[:2]


class Recorded(Queue):
    """Writes into a handler's own list when it was told that a batch is done."""

    def __init__(self, last: int, into: list[Sequence[int] | str]) -> None:
        super().__init__(last)
        self.into = into

    async def done(self) -> None:
        self.into.append("done")
        await super().done()


class Handler:
    """Remembers its batches; its first calls fail with these. Answers how many of a batch were odd."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures = list(failures)
        self.batches: list[Sequence[int] | str] = []

    async def __call__(self, batch: Sequence[int]) -> int:
        self.batches.append(batch)
        if self.failures:
            raise self.failures.pop(0)
        return sum(number % 2 for number in batch)


@pytest.fixture(autouse=True)
def _short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "PAUSE_S", 0.001)


@asynccontextmanager
async def consuming(queue: Queue, handle: Handler, pulse: Pulse) -> AsyncIterator[None]:
    running = asyncio.create_task(consume(queue, handle, pulse))
    yield
    running.cancel()
    await asyncio.wait([running])


@pytest.fixture
def aged() -> Callable[..., Pulse]:
    def aged(seconds: float = 0.0, owed: timedelta = timedelta(0)) -> Pulse:
        pulse = Pulse("relay")
        pulse.last_beat -= seconds
        pulse.owes(owed)
        return pulse

    return aged


async def test_every_batch_is_handled_before_it_is_done() -> None:
    handle = Handler()
    queue = Recorded(5, into=handle.batches)
    async with consuming(queue, handle, Pulse("p")):
        await until(lambda: not queue.waiting)
    assert handle.batches == [[1, 2], "done", [3, 4], "done", [5], "done"]


async def test_what_comes_before_a_turn_is_over_shares_the_next() -> None:
    handle = Handler()
    queue = Queue(1)
    consuming = asyncio.create_task(consume(queue, handle, Pulse("p"), turn_s=0.05))
    await until(lambda: not queue.waiting)
    queue.waiting = [2]
    await asyncio.sleep(0)  # where turns take no time, 2 is polled here
    queue.waiting += [3]
    await until(lambda: not queue.waiting)
    consuming.cancel()
    assert handle.batches == [[1], [2, 3]]


async def test_batch_in_which_there_was_nothing_to_do_begins_no_turn() -> None:
    handle = Handler()
    queue = Queue(1)
    queue.waiting = [2]
    consuming = asyncio.create_task(consume(queue, handle, Pulse("p"), turn_s=3600))
    await until(lambda: not queue.waiting)
    queue.waiting = [3]
    await until(lambda: not queue.waiting)
    consuming.cancel()
    assert handle.batches == [[2], [3]]


async def test_batch_that_failed_is_not_done_before_it_worked() -> None:
    handle = Handler(Unavailable("the database is away"), ZeroDivisionError())
    queue = Recorded(2, into=handle.batches)
    async with consuming(queue, handle, Pulse("p")):
        await until(lambda: not queue.waiting)
    assert handle.batches == [[1, 2], [1, 2], [1, 2], "done"]


@pytest.mark.parametrize(
    "failure", [Unavailable("the database is away"), ZeroDivisionError(), asyncio.CancelledError("from inside")]
)
async def test_batch_that_failed_is_tried_again_until_it_works(failure: BaseException) -> None:
    queue, handle = Queue(3), Handler(failure, failure)
    async with consuming(queue, handle, Pulse("p")):
        await until(lambda: not queue.waiting)
    assert handle.batches == [[1, 2], [1, 2], [1, 2], [3]]


async def test_client_whose_end_is_cancelled_from_inside_takes_nobody_along() -> None:
    async def stop() -> None:
        raise asyncio.CancelledError

    await ended(stop(), "consumer")


async def test_who_is_cancelled_while_a_client_ends_ends_too() -> None:
    never = asyncio.Event()

    async def stop() -> None:
        await never.wait()

    ending = asyncio.create_task(ended(stop(), "consumer"))
    await asyncio.sleep(0)
    ending.cancel()
    await asyncio.wait([ending])
    assert ending.cancelled()


async def test_empty_poll_is_progress_and_a_batch_that_keeps_failing_is_none() -> None:
    idle, stuck = Pulse("idle"), Pulse("stuck")
    idle.last_beat = stuck.last_beat = 0.0
    handle = Handler(*[ZeroDivisionError()] * 1000)
    async with consuming(Queue(0), Handler(), idle), consuming(Queue(1), handle, stuck):
        await until(lambda: idle.last_beat > 0 and len(handle.batches) > 3)
    assert stuck.last_beat == 0.0


def test_pulse_without_a_recent_beat_is_trouble(aged: Callable[..., Pulse]) -> None:
    assert aged(STALE_AFTER_S - 1).trouble() is None
    assert "no progress for" in (aged(STALE_AFTER_S + 1).trouble() or "")


def test_pulse_that_owes_something_old_is_trouble_until_its_next_beat(aged: Callable[..., Pulse]) -> None:
    pulse = aged(owed=OWES_AT_MOST + timedelta(seconds=1))
    assert "oldest unpublished" in (pulse.trouble() or "")
    pulse.beat()
    assert pulse.trouble() is None


def test_health_names_the_parts_in_trouble() -> None:
    health = Health()
    health.pulse("good")
    health.pulse("bad").last_beat -= 60
    assert health.parts == ["good", "bad"]
    assert list(health.troubles()) == ["bad"]


async def test_wake_that_came_before_the_wait_is_not_lost() -> None:
    wake = Wake()
    wake.set()
    wake.set()
    assert await wake.wait(5)
    assert not await wake.wait(0.001)


async def test_wait_is_ended_by_a_wake() -> None:
    wake = Wake()
    waiting = asyncio.create_task(wake.wait(5))
    await asyncio.sleep(0)
    wake.set()
    assert await waiting
