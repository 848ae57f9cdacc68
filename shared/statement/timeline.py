"""The intervals of a statement drawn to scale, from the report to the last of them. Pure."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from shared.statement.markup import Markup, el

WIDTH = 1000
NARROWEST = 2  # of WIDTH, so that a minute of a day can still be seen
Json = dict[str, Any]


def timeline(intervals: Sequence[Json], said: Callable[[Json], str]) -> Markup:
    """`said` are the words for an interval's state, for whoever points at it or can't see it."""
    if not intervals:
        return Markup("")
    instants = [[datetime.fromisoformat(i[end]).timestamp() for end in ("start", "end")] for i in intervals]
    begin, whole = instants[0][0], instants[-1][1] - instants[0][0]
    bars = [
        el("rect", x=_place(start - begin, whole), y=0, height=28, class_=_colour(i),
           width=max(_place(end - start, whole), NARROWEST))
        for i, (start, end) in zip(intervals, instants, strict=True)
    ]  # fmt: skip
    words = " · ".join(said(i) for i in intervals)
    svg = el("svg", bars, viewBox=f"0 0 {WIDTH} 28", preserveAspectRatio="none", role="img", aria_label=words)
    return el("figure", svg)


def _place(seconds: float, whole: float) -> int:
    return round(WIDTH * seconds / whole)


def _colour(interval: Json) -> str:
    return "struck" if interval["struck_out"] else str(interval["state"])
