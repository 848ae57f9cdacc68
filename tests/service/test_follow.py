"""A command that follows a stream comes back after every break, from the last event it had."""

from collections.abc import Sequence
from contextlib import aclosing

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.commands import stream
from services.commands.stream import StreamRefused, follow
from shared.testing.serve import serving


class Center:
    """Answers each connection with the next of `answers`, and remembers where each wanted to begin."""

    def __init__(self, *answers: Response) -> None:
        self.answers = list(answers)
        self.asked: list[str | None] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(Request(scope).headers.get("last-event-id"))
        await self.answers.pop(0)(scope, receive, send)


def events(*numbers: int) -> Response:
    content = "".join(f'id: {n}\nevent: x\ndata: {{"seq": {n}}}\n\n' for n in numbers)
    return Response(content, media_type="text/event-stream")


def refusal(status: int) -> Response:
    return Response('{"detail": "No."}', status)


async def heard(center: Center, count: int) -> Sequence[int]:
    async with serving(center) as url, aclosing(follow(url, "/v1/stream", key="key")) as facts:
        return [(await anext(facts))["seq"] for _ in range(count)]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "COME_BACK_S", 0.0)


async def test_broken_stream_is_resumed_after_the_last_event() -> None:
    center = Center(events(1, 2), events(3))
    assert await heard(center, 3) == [1, 2, 3]
    assert center.asked == [None, "2"]


async def test_center_that_is_away_is_asked_again() -> None:
    assert await heard(Center(refusal(503), events(1)), 1) == [1]


@pytest.mark.parametrize("status", [400, 410])
async def test_what_is_no_longer_kept_is_begun_anew(status: int) -> None:
    center = Center(events(1), refusal(status), events(7))
    assert await heard(center, 2) == [1, 7]
    assert center.asked == [None, "1", None]


async def test_refused_stream_says_why() -> None:
    with pytest.raises(StreamRefused, match=r"^No\.$"):
        await heard(Center(refusal(404)), 1)
