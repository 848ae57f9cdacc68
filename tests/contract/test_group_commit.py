"""Requests share commits: nobody fails for a neighbour, nobody waits for ever, nothing acknowledged is lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import bindparam, select

from shared.bus.embedded import POSITION, SAVE
from shared.db.commit import AGAIN, Again, GroupCommit
from shared.db.port import Database, Tx
from shared.db.postgres import PostgresDatabase
from shared.db.schema import bus_positions
from shared.db.statement import Query
from shared.errors import CenterError, NotFound, Unavailable
from shared.testing.servers import Postgres
from tests.waiting import until

BAD, REFUSED = "bad", "refused"
SAVED = Query(select(bus_positions.c.consumer).where(bus_positions.c.position >= bindparam("least")))
Commit = GroupCommit[str, str]


class Bodies:
    """A body that stores each item's name, refuses `refused`, breaks on `bad`; and what it was given."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    async def __call__(self, tx: Tx, items: Sequence[str]) -> Sequence[str | CenterError]:
        self.batches.append(list(items))
        await tx.insert(SAVE, [(item, 1) for item in items if item != REFUSED])
        if BAD in items:
            raise ZeroDivisionError(BAD)
        return [NotFound(item) if item == REFUSED else f"done {item}" for item in items]


@pytest.fixture
def bodies() -> Bodies:
    return Bodies()


@pytest.fixture
def commit(store: Database, bodies: Bodies) -> Commit:
    return GroupCommit(store, bodies)


async def outcomes(commit: Commit, *items: str) -> list[Any]:
    return await asyncio.gather(*(commit.submit(item) for item in items), return_exceptions=True)


async def stored(store: Database) -> set[str]:
    return {row["consumer"] for row in await store.fetch(SAVED, least=1)}


async def test_item_is_stored_before_its_caller_is_answered(store: Database, commit: Commit) -> None:
    assert await commit.submit("a") == "done a"
    assert await store.fetch(POSITION, consumer="a")


async def test_items_submitted_together_share_one_commit(commit: Commit, bodies: Bodies) -> None:
    items = [str(number) for number in range(64)]
    assert await outcomes(commit, *items) == [f"done {item}" for item in items]
    assert bodies.batches == [items]


async def test_caller_that_submits_again_as_soon_as_it_is_answered_is_never_left_waiting(commit: Commit) -> None:
    async with asyncio.timeout(5):
        for number in range(50):
            assert await commit.submit(str(number)) == f"done {number}"


async def test_callers_that_come_and_go_are_all_answered(store: Database, commit: Commit) -> None:
    async def caller(name: int) -> None:
        for number in range(10):
            await commit.submit(f"{name}.{number}")

    async with asyncio.timeout(15):
        await asyncio.gather(*(caller(name) for name in range(16)))
    assert len(await stored(store)) == 160


async def test_batches_are_no_larger_than_allowed(store: Database, bodies: Bodies) -> None:
    await outcomes(GroupCommit(store, bodies, max_batch=10), *map(str, range(25)))
    assert sorted(len(batch) for batch in bodies.batches) == [5, 10, 10]


async def test_second_commit_begins_beside_one_that_takes_long(postgres_store: PostgresDatabase) -> None:
    goes_on = asyncio.Event()

    async def body(tx: Tx, items: Sequence[str]) -> Sequence[str]:
        if "slow" in items:
            await goes_on.wait()
        return items

    commit: Commit = GroupCommit(postgres_store, body)
    slow = commit.submit("slow")
    await asyncio.sleep(0)  # it is under way
    assert await commit.submit("quick") == "quick"
    assert not slow.done()
    goes_on.set()
    assert await slow == "slow"
    await commit.close()


async def test_what_comes_while_a_commit_is_under_way_shares_the_next(
    postgres_store: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.db.commit.LONG_S", 60.0)
    bodies, goes_on = Bodies(), asyncio.Event()

    async def body(tx: Tx, items: Sequence[str]) -> Sequence[str | CenterError]:
        await goes_on.wait()
        return await bodies(tx, items)

    commit: Commit = GroupCommit(postgres_store, body)
    first = commit.submit("first")
    await asyncio.sleep(0)
    others = [commit.submit(str(number)) for number in range(9)]
    await asyncio.sleep(0)
    goes_on.set()
    await asyncio.gather(first, *others)
    assert bodies.batches == [["first"], [str(number) for number in range(9)]]


async def test_refusal_goes_to_its_caller_only(store: Database, commit: Commit) -> None:
    first, refusal, last = await outcomes(commit, "a", REFUSED, "b")
    assert (first, type(refusal), last) == ("done a", NotFound, "done b")
    assert await stored(store) == {"a", "b"}


async def test_bad_item_fails_alone_and_its_neighbours_are_stored(store: Database, commit: Commit) -> None:
    *good, failure, last = await outcomes(commit, "a", "b", BAD, "c")
    assert (good, type(failure), last) == (["done a", "done b"], ZeroDivisionError, "done c")
    assert await stored(store) == {"a", "b", "c"}


async def test_item_that_the_database_itself_refuses_fails_alone(store: Database, commit: Commit) -> None:
    nothing: str = None  # type: ignore[assignment]
    first, failure, last = await outcomes(commit, "a", nothing, "b")
    assert (first, last) == ("done a", "done b")
    assert not isinstance(failure, Unavailable)
    assert await stored(store) == {"a", "b"}


async def test_failed_batch_is_run_again_carefully_if_there_is_a_careful_way(store: Database, bodies: Bodies) -> None:
    async def carefully(tx: Tx, items: Sequence[str]) -> Sequence[str]:
        return [f"careful {item}" for item in items]

    commit = GroupCommit(store, bodies, carefully=carefully, single=True)
    assert await outcomes(commit, "a", BAD) == ["careful a", "careful bad"]


async def test_what_is_to_be_run_again_is_run_carefully_and_together_and_nothing_else_is(
    store: Database, bodies: Bodies
) -> None:
    async def body(tx: Tx, items: Sequence[str]) -> Sequence[str | Again]:
        return [AGAIN if item.startswith("again") else f"at once {item}" for item in items]

    commit = GroupCommit(store, body, carefully=bodies, single=True)
    found = await outcomes(commit, "a", "again 1", "b", "again 2")
    assert found == ["at once a", "done again 1", "at once b", "done again 2"]
    assert bodies.batches == [["again 1", "again 2"]]


async def test_bad_item_that_is_run_again_fails_alone(store: Database, bodies: Bodies) -> None:
    async def body(tx: Tx, items: Sequence[str]) -> Sequence[str | Again]:
        return [AGAIN if item in (BAD, "b") else f"at once {item}" for item in items]

    first, failure, last = await outcomes(GroupCommit(store, body, carefully=bodies, single=True), "a", BAD, "b")
    assert (first, type(failure), last) == ("at once a", ZeroDivisionError, "done b")


async def test_closing_finishes_what_was_submitted(store: Database, commit: Commit) -> None:
    waiting = [commit.submit(str(number)) for number in range(5)]
    await commit.close()
    assert [future.result() for future in waiting] == [f"done {number}" for number in range(5)]


async def test_more_than_may_wait_are_told_so_at_once(store: Database, bodies: Bodies) -> None:
    answers = await outcomes(GroupCommit(store, bodies, max_waiting=3), *"abcde")
    assert answers[:3] == ["done a", "done b", "done c"]
    assert [type(answer) for answer in answers[3:]] == [Unavailable, Unavailable]


async def test_caller_that_went_away_takes_nothing_with_it(store: Database, commit: Commit) -> None:
    gone, stays = commit.submit("gone"), commit.submit("stays")
    gone.cancel()
    assert await stays == "done stays"
    assert await stored(store) == {"gone", "stays"}


@asynccontextmanager
async def paused(postgres: Postgres) -> AsyncIterator[None]:
    postgres.pause()
    try:
        yield
    finally:
        postgres.resume()


async def timed(waiting: "asyncio.Future[Any]") -> tuple[float, BaseException | None]:
    since = time.monotonic()
    await asyncio.wait([waiting])
    return time.monotonic() - since, waiting.exception()


async def test_caller_is_told_within_a_second_that_postgres_hangs(
    hurried_store: PostgresDatabase, bodies: Bodies, postgres: Postgres
) -> None:
    commit: Commit = GroupCommit(hurried_store, bodies)
    await commit.submit("before")
    async with paused(postgres):
        answers = await asyncio.gather(*(timed(commit.submit(str(number))) for number in range(20)))
    assert {type(answer) for _, answer in answers} == {Unavailable}
    assert max(seconds for seconds, _ in answers) < 1.0
    await commit.close()


async def test_what_was_sent_before_postgres_hung_is_still_committed_after(
    hurried_store: PostgresDatabase, bodies: Bodies, postgres: Postgres
) -> None:
    commit: Commit = GroupCommit(hurried_store, bodies)
    await outcomes(commit, "before", "too")  # its connections are open
    async with paused(postgres):
        assert [type(answer) for answer in await outcomes(commit, "a", "b", "c")] == [Unavailable] * 3
    await commit.close()
    assert await stored(hurried_store) == {"before", "too", "a", "b", "c"}


async def test_callers_who_come_while_postgres_hangs_are_told_so_too(
    hurried_store: PostgresDatabase, bodies: Bodies, postgres: Postgres
) -> None:
    commit: Commit = GroupCommit(hurried_store, bodies)
    async with paused(postgres):
        for item in "abc":
            seconds, answer = await timed(commit.submit(item))
            assert isinstance(answer, Unavailable)
            assert seconds < 1.1
    await until(lambda: answers_again(commit))
    await commit.close()


async def answers_again(commit: Commit) -> bool:
    return await outcomes(commit, "again") == ["done again"]


async def test_killed_postgres_is_unavailable_and_works_again_after_its_restart(
    hurried_store: PostgresDatabase, bodies: Bodies, postgres: Postgres
) -> None:
    commit: Commit = GroupCommit(hurried_store, bodies)
    await commit.submit("before")
    postgres.kill()
    try:
        seconds, answer = await timed(commit.submit("during"))
    finally:
        postgres.start()
    assert isinstance(answer, Unavailable)
    assert seconds < 1.1
    await until(lambda: answers_again(commit))
    assert {"before", "again"} <= await stored(hurried_store)


async def test_nothing_acknowledged_is_lost_when_postgres_is_killed_under_load(
    hurried_store: PostgresDatabase, bodies: Bodies, postgres: Postgres
) -> None:
    commit: Commit = GroupCommit(hurried_store, bodies)
    acknowledged: set[str] = set()

    async def caller(name: int) -> None:
        for number in range(1_000_000):
            answer = (await outcomes(commit, f"{name}.{number}"))[0]
            if isinstance(answer, Unavailable):
                return
            acknowledged.add(f"{name}.{number}")

    callers = asyncio.gather(*(caller(name) for name in range(16)))
    await until(lambda: len(acknowledged) > 300)
    await asyncio.to_thread(postgres.kill)
    await callers
    await asyncio.to_thread(postgres.start)
    await until(lambda: answers_again(commit))
    assert acknowledged <= await stored(hurried_store)
