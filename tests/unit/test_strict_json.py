"""What comes through the door is JSON to the letter, without deceiving characters; a refusal names the field."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidInput
from shared.web.strict_json import MAX_DEPTH, parse
from tests.strategies import TEXTS

PLAIN: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def refusal(body: bytes) -> tuple[int, str, str]:
    """Status, field and message with which a body is refused."""
    with pytest.raises(InvalidInput) as refused:
        parse(body)
    (error,) = refused.value.errors
    return refused.value.status, error.field, error.message


@given(PLAIN)
def test_plain_json_is_read_as_it_was_written(value: Any) -> None:
    assert parse(json.dumps(value).encode()) == value
    assert parse(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_and_never_break_the_door(body: bytes) -> None:
    with suppress(InvalidInput):
        assert parse(body) == json.loads(body)


@pytest.mark.parametrize("body", [b"", b"{", b"{'a': 1}", b'{"a": 1,}', b"01", b"\xef\xbb\xbf{}", b"{} {}", b"+1"])
def test_what_is_not_json_is_refused_as_malformed(body: bytes) -> None:
    status, field, message = refusal(body)
    assert (status, field) == (400, "body")
    assert message.startswith("is not JSON")


@pytest.mark.parametrize(
    "number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"9" * 19, b"-9999999999999999999", b"9" * 5000]
)
def test_number_that_json_does_not_have_or_nobody_can_hold_is_refused(number: bytes) -> None:
    assert refusal(b'{"bandwidth": ' + number + b"}")[:2] == (400, "body")


@pytest.mark.parametrize("body", [b'"\xff"', b'"\xc0\xaf"', b'"\xed\xa0\x80"', '"é"'.encode("latin-1")])
def test_broken_utf8_is_refused_and_the_byte_named(body: bytes) -> None:
    assert refusal(body) == (400, "body", "is not UTF-8 (byte 1)")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"a": 1, "a": 1}', "a"),
        ('{"b": {"a": 1, "a": 2}}', "b.a"),
        ('[{"b": [{"a": 1, "c": 2, "a": 3}]}]', "0.b.0.a"),
        (r'{"a":1, "\u0061":2}', "a"),
    ],
)
def test_key_given_twice_is_refused_at_any_depth_and_named_with_its_path(body: str, field: str) -> None:
    assert refusal(body.encode()) == (400, field, "is given twice")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"n": ' + b"9" * 5000 + b"}", "is not JSON: a number is out of range"),
        (b"[" * 100_000, f"is nested more than {MAX_DEPTH} deep"),
        (b"\xef\xbb\xbf{}", "is not JSON: it begins with a byte order mark; leave it out"),
    ],
    ids=["long number", "deep nesting", "byte order mark"],
)
def test_refusal_does_not_speak_of_python(body: bytes, words: str) -> None:
    assert refusal(body)[2] == words


@pytest.mark.parametrize(
    ("character", "name"),
    [
        (r"\u0000", "U+0000"),
        (r"\u001b", "U+001B"),
        (r"\u007f", "U+007F"),
        (r"\ud800", "U+D800"),
        (r"\udfff", "U+DFFF"),
        (r"\u202e", "U+202E"),
        (r"\u2066", "U+2066"),
    ],
)
def test_refused_character_is_named_with_its_field(character: str, name: str) -> None:
    body = rf'{{"contact": {{"phones": ["1", "x{character}y"]}}}}'
    message = f"contains the character {name}, which is not allowed"
    assert refusal(body.encode()) == (422, "contact.phones.1", message)


def test_tabs_line_breaks_and_emoji_are_fine() -> None:
    assert parse(rb'{"description": "a\tb\r\nc \ud83d\udd25"}') == {"description": "a\tb\r\nc 🔥"}


def test_refused_character_in_a_name_is_shown_escaped() -> None:
    assert refusal(rb'{"na\u202eme": 1}')[:2] == (422, r"na\u202eme")


def test_long_name_is_cut_before_it_is_echoed() -> None:
    name = "n" * 500
    assert refusal(json.dumps({name: 1})[:-1].encode() + f', "{name}": 2}}'.encode())[1] == "n" * 80


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 500, 30_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_deep_nesting_is_refused(depth: int, opening: bytes, closing: bytes) -> None:
    assert refusal(opening * (depth + 1) + b"1" + closing * (depth + 1))[:2] == (400, "body")


def test_nesting_that_anybody_needs_is_allowed() -> None:
    assert parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


def test_text_that_is_the_whole_body_is_named_as_the_body() -> None:
    assert refusal(rb'"\u0000"')[:2] == (422, "body")
