"""Which work is brief enough for the event loop is learned, by kind."""

from functools import partial

from shared.db.brief import BRIEF_S, Brief, kind_of


def test_what_was_never_done_is_not_taken_for_brief() -> None:
    assert "report" not in Brief()


def test_kind_is_as_brief_as_it_was() -> None:
    brief = Brief()
    brief.took("report", BRIEF_S / 2)
    brief.took("import", BRIEF_S * 2)
    assert "report" in brief
    assert "import" not in brief


def test_kind_that_once_took_long_is_brief_again_after_some_that_did_not() -> None:
    brief, needed = Brief(), 0
    brief.took("report", BRIEF_S / 2)
    brief.took("report", BRIEF_S * 8)
    while "report" not in brief:
        brief.took("report", BRIEF_S / 2)
        needed += 1
    assert 10 < needed < 30


def test_bodies_made_by_the_same_lines_are_of_one_kind() -> None:
    def made(number: int) -> object:
        return kind_of(lambda: number)

    assert made(1) == made(2) == made(3)
    assert kind_of(partial(partial(made, 1), 2)) == kind_of(made)
    assert kind_of(made) != kind_of(test_kind_is_as_brief_as_it_was)
