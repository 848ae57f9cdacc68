"""Which work is brief enough for the event loop is learned, by kind."""

import gc
from functools import partial

from sqlalchemy import select

from shared.db.brief import BRIEF_S, Brief, kind_of
from shared.db.statement import Query


class Kind:
    """Something that has one."""


REPORT, IMPORT = Kind(), Kind()


def test_what_was_never_done_is_not_taken_for_brief() -> None:
    assert REPORT not in Brief()


def test_kind_is_as_brief_as_it_was() -> None:
    brief = Brief()
    brief.took(REPORT, BRIEF_S / 2)
    brief.took(IMPORT, BRIEF_S * 2)
    assert REPORT in brief
    assert IMPORT not in brief


def test_kind_that_once_took_long_is_brief_again_after_some_that_did_not() -> None:
    brief, needed = Brief(), 0
    brief.took(REPORT, BRIEF_S / 2)
    brief.took(REPORT, BRIEF_S * 8)
    while REPORT not in brief:
        brief.took(REPORT, BRIEF_S / 2)
        needed += 1
    assert 10 < needed < 30


def test_bodies_made_by_the_same_lines_are_of_one_kind() -> None:
    def made(number: int) -> object:
        return kind_of(lambda: number)

    assert made(1) == made(2) == made(3)
    assert kind_of(partial(partial(made, 1), 2)) == kind_of(made)
    assert kind_of(made) != kind_of(test_kind_is_as_brief_as_it_was)


def test_query_that_was_put_together_for_one_request_is_forgotten_with_it() -> None:
    brief, query = Brief(), Query(select(1))
    brief.took(query, BRIEF_S / 2)
    assert query in brief
    del query
    gc.collect()
    assert brief.known == 0
