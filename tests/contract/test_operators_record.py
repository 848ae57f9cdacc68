"""Sessions and the break-glass lock are rows: two processes on one database see the same, SQLite or PostgreSQL."""

import asyncio
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from shared.db.port import Database
from shared.db.statement import Query
from shared.operators.break_glass import BreakGlass, hashed, lock_after, put_password, remove
from shared.operators.claims import BREAK_GLASS_OPERATOR, Operator
from shared.operators.sessions import Sessions
from shared.operators.tables import operator_sessions
from shared.testing.clock import ManualClock

LIN = Operator("lin", "Lin Wei 林伟", frozenset({"noc", "desk"}))
PASSWORD = "correct horse battery staple"
ROWS = Query(operator_sessions.select())


@pytest.fixture
def processes(store: Database, clock: ManualClock) -> tuple[Sessions, Sessions]:
    idle, lasts = timedelta(minutes=30), timedelta(hours=10)
    return Sessions(store, clock, idle=idle, lasts=lasts), Sessions(store, clock, idle=idle, lasts=lasts)


@pytest.fixture(scope="module")
def hash() -> str:
    """A cheap one: how hard a guess is made is not what these tests are about."""
    return PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)


@pytest.fixture
async def doors(store: Database, clock: ManualClock, hash: str) -> list[BreakGlass]:
    """Those of two processes, with the account made."""
    await store.transact(lambda tx: put_password(tx, hash, clock.now()))
    return [BreakGlass(store, clock) for _ in range(2)]


async def test_session_counts_in_all_processes_at_once_and_so_does_its_end(
    processes: tuple[Sessions, Sessions],
) -> None:
    here, there = processes
    begun = await here.begin(LIN, "openid", instead_of=None, id_token="x.y.z")
    assert await there.find(begun.cookie) == begun
    await there.end(begun)
    assert await here.find(begun.cookie) is None


async def test_use_in_one_process_keeps_it_alive_in_the_other(
    processes: tuple[Sessions, Sessions], clock: ManualClock
) -> None:
    here, there = processes
    cookie = (await here.begin(LIN, "openid", instead_of=None)).cookie
    for process in (there, here, there):
        clock.advance(timedelta(minutes=29))
        assert await process.find(cookie)
    clock.advance(timedelta(minutes=30))
    assert (await here.find(cookie), await there.find(cookie)) == (None, None)


async def test_sessions_that_are_over_are_forgotten_with_the_next_sign_in(
    store: Database, processes: tuple[Sessions, Sessions], clock: ManualClock
) -> None:
    here, _ = processes
    for _ in range(3):
        await here.begin(LIN, "openid", instead_of=None)
    clock.advance(timedelta(hours=10))
    await here.begin(LIN, "openid", instead_of=None)
    assert len(await store.fetch(ROWS)) == 1


async def test_password_opens_and_another_does_not(doors: list[BreakGlass]) -> None:
    assert await doors[0].opens(PASSWORD) == "opened"
    assert await doors[0].opens(PASSWORD + "x") == "wrong"


async def test_account_that_was_never_made_opens_to_nothing(store: Database, clock: ManualClock) -> None:
    assert [await BreakGlass(store, clock).opens(p) for p in ("", PASSWORD)] == ["absent", "absent"]


async def test_fifth_failure_locks_in_all_processes_and_each_further_one_for_longer(
    doors: list[BreakGlass], clock: ManualClock
) -> None:
    here, there = doors
    assert [await door.opens("wrong") for door in (here, there, here, there, here)] == ["wrong"] * 5
    for minutes in (1, 2, 4):
        clock.advance(timedelta(minutes=minutes) - timedelta(milliseconds=1))
        assert [await here.opens(PASSWORD), await there.opens(PASSWORD)] == ["locked", "locked"]
        clock.advance(timedelta(milliseconds=1))
        assert await there.opens("wrong") == "wrong"
    clock.advance(timedelta(minutes=8))
    assert await here.opens(PASSWORD) == "opened"


async def test_tries_at_the_same_moment_are_no_more_than_tries_one_by_one(doors: list[BreakGlass]) -> None:
    outcomes = await asyncio.gather(*(door.opens("wrong") for door in doors for _ in range(4)))
    assert sorted(outcomes) == ["locked"] * 3 + ["wrong"] * 5


async def test_success_forgives_what_went_wrong_before(doors: list[BreakGlass]) -> None:
    for _ in range(2):
        for _ in range(4):
            await doors[0].opens("wrong")
        assert await doors[1].opens(PASSWORD) == "opened"


async def test_another_password_or_none_ends_the_sessions_of_the_old_one(
    store: Database, doors: list[BreakGlass], processes: tuple[Sessions, Sessions], clock: ManualClock, hash: str
) -> None:
    kept = await processes[0].begin(LIN, "openid", instead_of=None)
    for change in (lambda tx: put_password(tx, hash, clock.now()), remove):
        begun = await processes[0].begin(BREAK_GLASS_OPERATOR, "break_glass", instead_of=None)
        await store.transact(change)
        assert await processes[1].find(begun.cookie) is None
    assert await processes[1].find(kept.cookie)
    assert await doors[0].opens(PASSWORD) == "absent"


def test_lock_is_never_longer_than_an_hour() -> None:
    locks = [lock_after(failures) for failures in range(4, 30)]
    assert locks[:3] == [None, timedelta(minutes=1), timedelta(minutes=2)]
    assert max(lock for lock in locks if lock) == timedelta(hours=1)


def test_password_is_kept_as_argon2id_with_a_salt_of_its_own() -> None:
    first, second = hashed(PASSWORD), hashed(PASSWORD)
    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert first != second
