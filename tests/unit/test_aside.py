"""What is done aside is done in order, in one thread, and whoever waits gets its result or its failure."""

import asyncio
import threading

import pytest

from shared.db.aside import Aside


async def test_each_gets_its_own_result_and_all_run_in_one_other_thread_in_order() -> None:
    aside, seen = Aside("aside"), list[tuple[int, str]]()

    def noted(number: int) -> int:
        seen.append((number, threading.current_thread().name))
        return number * 2

    waiting = [aside.do(lambda number=number: noted(number)) for number in range(50)]  # type: ignore[misc]
    assert await asyncio.gather(*waiting) == [number * 2 for number in range(50)]
    assert seen == [(number, "aside") for number in range(50)]
    aside.close()


async def test_failure_goes_to_whoever_waits_and_the_thread_goes_on() -> None:
    aside = Aside("aside")
    with pytest.raises(ZeroDivisionError):
        await aside.do(lambda: 1 / 0)
    assert await aside.do(lambda: "goes on") == "goes on"
    aside.close()


async def test_one_that_nobody_waits_for_any_more_is_done_all_the_same() -> None:
    aside, done = Aside("aside"), list[str]()
    aside.do(lambda: done.append("first")).cancel()
    await aside.do(lambda: done.append("second"))
    assert done == ["first", "second"]
    aside.close()


async def test_closing_waits_for_what_was_given() -> None:
    aside, done = Aside("aside"), list[int]()
    for number in range(9):
        aside.do(lambda number=number: done.append(number))  # type: ignore[misc]
    aside.close()
    assert done == list(range(9))


def test_loop_that_has_gone_meanwhile_ends_nothing() -> None:
    aside, goes_on = Aside("aside"), threading.Event()

    async def gives_and_goes() -> None:
        aside.do(goes_on.wait)

    asyncio.run(gives_and_goes())
    goes_on.set()
    assert asyncio.run(_asked(aside)) == "still there"
    aside.close()


async def _asked(aside: Aside) -> str:
    return await aside.do(lambda: "still there")
