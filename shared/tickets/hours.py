"""Service hours of a promise: the windows in which its time counts, written out. Pure.

`hours` are half-open windows in milliseconds since 1970, in order and disjoint; None is round the clock. Before the
first one nothing counts. After the last one every moment does: windows are written out far beyond any target, and a
ticket that outlives them is late by any measure.
"""

Hours = tuple[tuple[int, int], ...] | None


def counted(start: int, end: int, hours: Hours) -> int:
    """How much of [start, end) counts, in ms."""
    if hours is None:
        return max(end - start, 0)
    inside = sum(max(min(end, closes) - max(start, opens), 0) for opens, closes in hours)
    return inside + max(end - max(start, hours[-1][1] if hours else start), 0)


def after(start: int, length: int, hours: Hours) -> int:
    """The instant at which `length` ms have counted since `start`; `length` ≥ 0."""
    if hours is None:
        return start + length
    for opens, closes in hours:
        begin = max(start, opens)
        if begin >= closes:
            continue
        if length <= closes - begin:
            return begin + length
        length -= closes - begin
        start = closes
    return max(start, hours[-1][1] if hours else start) + length
