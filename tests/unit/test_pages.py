"""Lists come in pages by keyset; a cursor is opaque, and one that is not ours is refused."""

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidInput
from shared.web.pages import decode_cursor, encode_cursor, page
from tests.strategies import TEXTS


def cursor_of(json: bytes) -> str:
    return base64.urlsafe_b64encode(json).decode().rstrip("=")


@given(st.integers(-(2**63) + 1, 2**63 - 1), TEXTS)
def test_cursor_leads_back_to_its_key(number: int, text: str) -> None:
    cursor = encode_cursor(number, text)
    assert decode_cursor(cursor, int, str) == (number, text)
    assert cursor.isascii()
    assert not set(cursor) & set("+/= ")


def test_no_cursor_means_the_first_page() -> None:
    assert decode_cursor(None, int, str) is None


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "x",
        "abcde",
        "ééé",
        "!!!!",
        "W10\n",
        cursor_of(b"{}"),
        cursor_of(b"[]"),
        cursor_of(b"[1]"),
        cursor_of(b'["a",1]'),
        cursor_of(b'[1,"a",2]'),
        cursor_of(b'[true,"a"]'),
        cursor_of(b'[1.0,"a"]'),
        cursor_of(b'[null,"a"]'),
        cursor_of(b'[9223372036854775808,"a"]'),
        cursor_of(b'[123456789012345678901234567890,"a"]'),
        cursor_of(rb'[1,"\u0000"]'),
        cursor_of(rb'[1,"\ud800"]'),
        cursor_of(b"\xff\xfe"),
        cursor_of(b"[" * 300),
    ],
)
def test_cursor_that_is_not_ours_is_refused_by_name(wrong: str) -> None:
    with pytest.raises(InvalidInput, match="query:cursor: is not a cursor of this list") as refused:
        decode_cursor(wrong, int, str)
    assert refused.value.status == 400


@given(st.text(max_size=40))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    with suppress(InvalidInput):
        assert len(decode_cursor(text, int, str) or ()) == 2


def test_page_with_more_behind_it_says_where_to_go_on() -> None:
    assert page([1, 2, 3], limit=2, next_cursor="c") == {"items": [1, 2], "next": "c"}


@pytest.mark.parametrize("items", [[], [1], [1, 2]])
def test_last_page_says_that_it_is_the_last(items: list[int]) -> None:
    assert page(items, limit=2, next_cursor="c") == {"items": items, "next": None}
