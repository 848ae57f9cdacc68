"""Server-sent events, as the command line reads them."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.commands.stream import Parser, Sent

STREAM = """\
retry: 2000

: still here

id: 7
event: ticket.noted
data: {"text":"光\u2028缆"}

event: x\r
data: 1\r
data: 2\r
\r
"""
EVENTS = [Sent("7", "ticket.noted", '{"text":"光\u2028缆"}'), Sent(None, "x", "1\n2")]


def parse(*chunks: bytes) -> list[Sent]:
    parser = Parser()
    return [sent for chunk in chunks for sent in parser.feed(chunk)]


def test_comments_and_retry_are_no_events() -> None:
    assert parse(b": hello\n\n", b"retry: 5\n\n") == []


@given(st.lists(st.integers(0, len(STREAM.encode())), max_size=8))
def test_events_do_not_depend_on_how_the_bytes_arrive(cuts: list[int]) -> None:
    content, places = STREAM.encode(), sorted({0, len(STREAM.encode()), *cuts})
    assert parse(*(content[a:b] for a, b in pairwise(places))) == EVENTS


def test_half_an_event_is_not_one() -> None:
    assert parse(b"data: 1\n") == []
