"""The error tree is drawn once, in its module's docstring, and the drawing is true."""

import re

import pytest

from shared import errors
from shared.errors import CenterError, FieldError, IllegalMove, InvalidInput


def every(kind: type[CenterError]) -> list[type[CenterError]]:
    return [kind, *(deeper for child in kind.__subclasses__() for deeper in every(child))]


def drawn() -> dict[str, str]:
    """Each class in the docstring's tree and the one it hangs under."""
    under: dict[int, str] = {}
    parents: dict[str, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        if name := re.match(r"[ │├└─]*([A-Z][A-Za-z]+)(?=  |$)", line):
            depth = name.start(1)
            parents[name[1]] = under[max(d for d in under if d < depth)] if parents else ""
            under = {d: n for d, n in under.items() if d < depth} | {depth: name[1]}
    return parents


def test_drawing_shows_every_error_under_its_parent() -> None:
    ours = [kind for kind in every(CenterError) if kind.__module__ == errors.__name__]
    assert drawn() == {kind.__name__: kind.__base__.__name__ for kind in ours if kind.__base__} | {"CenterError": ""}


def test_every_error_has_a_code_of_its_own() -> None:
    leaves = [kind for kind in every(CenterError) if not kind.__subclasses__() and kind.__module__ == errors.__name__]
    assert len({kind.code for kind in leaves}) == len(leaves)


@pytest.mark.parametrize("kind", every(CenterError))
def test_only_what_may_succeed_later_is_retryable(kind: type[CenterError]) -> None:
    assert kind.retryable == (kind.status in (408, 429, 503))


def test_invalid_input_says_every_field_and_what_is_wrong_with_it() -> None:
    error = InvalidInput(FieldError("impact", "is required"), FieldError("query:limit", "is too large"), status=400)
    assert (error.status, str(error)) == (400, "impact: is required; query:limit: is too large")
    assert InvalidInput.status == 422


def test_illegal_move_carries_the_legal_ones() -> None:
    assert IllegalMove("no", legal=["confirm", "reopen"]).legal == ("confirm", "reopen")
