"""The SLA clock once more, from `docs/architecture/sla-clock.md` alone: imports nothing of the product.

It takes entries as `GET /v1/tickets/{id}/log` shows them, and paints the time line between all instants there are.
"""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

Json = dict[str, Any]
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
MOVES = {
    "ticket.resumed": "running", "ticket.restored": "restored", "ticket.reopened": "running",
    "ticket.closed": "over", "ticket.cancelled": "over", "ticket.rejected": "over",
}  # fmt: skip
ENDS = {
    "order.declined": ("declined", "occurred_at"), "order.handed_over": ("handed_over", "occurred_at"),
    "ticket.restored": ("restored", "restored_at"), "order.stood_down": ("stood_down", None),
}  # fmt: skip


def ms(instant: str) -> int:
    return (datetime.fromisoformat(instant) - EPOCH) // timedelta(milliseconds=1)


def compute(log: list[Json], now: int) -> Json:
    now = max(now, ms(log[-1]["at"]))
    reported = ms(log[0]["data"]["reported_at"])
    moves = moves_of(log, reported)
    painted = paint(moves, now)
    intervals = [
        {"start": start, "end": end, **moves[i][1]}
        for i, (start, end) in painted.items()
        if moves[i][1]["state"] != "over"
    ]
    states = [what["state"] for _, what in moves]
    final = states[-1] == "restored" or states[-2:] == ["restored", "over"]
    last_restored = [at for at, what in moves if what["state"] == "restored"][-1:]
    restored = last_restored[0] if final else None
    counted = sum(i["end"] - i["start"] for i in intervals if i["counts"])
    accepted = first(log, "order.accepted")
    return {
        "now": now, "reported_at": reported, "restored_at": restored, "state": states[-1],
        "time_to_repair": counted if final or states[-1] != "over" else None,
        "response": None if accepted is None else max(0, accepted - reported),
        "last_heard_at": max(ms(e["at"]) for n, e in enumerate(log) if n == 0 or e["actor"][:8] != "account:"),
        "pending": by_reason(intervals, "pending"), "held": by_reason(intervals, "held"),
        "stages": stages(log, reported, restored), "intervals": intervals, "spells": spells(log, intervals, now),
    }  # fmt: skip


def moves_of(log: list[Json], reported: int) -> list[tuple[int, Json]]:
    bare = {"reason": None, "evidence": None, "network": None}
    struck = {
        entry["data"]["suspension"]: n for n, entry in enumerate(log) if entry["type"] == "ticket.suspension_struck_out"
    }
    moves: list[tuple[int, Json]] = [(reported, {"state": "running", "struck": False, "seq": 1, **bare})]
    for n, entry in enumerate(log):
        type_, data, at = entry["type"], entry["data"], ms(entry["at"])
        if type_ == "ticket.suspended":
            out = struck.get(entry["seq"], 0) > n
            what = {"state": "running" if out else data["clock"], "struck": out, **{k: data.get(k) for k in bare}}
        elif type_ in MOVES:
            what = {"state": MOVES[type_], "struck": False, **bare}
        else:
            continue
        said = data.get({"ticket.restored": "restored_at"}.get(type_, "occurred_at"))
        when = at
        if said is not None and type_ in ("ticket.suspended", "ticket.resumed", "ticket.restored"):
            when = min(ms(said), at)
        what["seq"] = entry["seq"]
        moves.append((max(when, moves[-1][0]), what))
    for (_, what), following in zip(moves, [*moves[1:], None], strict=True):
        vain = following is not None and following[1]["state"] not in ("restored", "over")
        what["counts"] = what["state"] in ("running", "held") or (what["state"] == "restored" and vain)
    return moves


def paint(moves: list[tuple[int, Json]], now: int) -> dict[int, tuple[int, int]]:
    """Number of the move → what it governs: of all moves up to an instant, the last."""
    instants = sorted({at for at, _ in moves} | {now})
    painted: dict[int, tuple[int, int]] = {}
    for start, end in pairwise(instants):
        if start < now:
            governing = max(i for i, (at, _) in enumerate(moves) if at <= start)
            painted[governing] = (painted.get(governing, (start, end))[0], end)
    return painted


def by_reason(intervals: list[Json], state: str) -> Json:
    total: Json = {}
    for i in intervals:
        if i["state"] == state:
            total[i["reason"]] = total.get(i["reason"], 0) + i["end"] - i["start"]
    return total


def first(log: list[Json], type_: str, **fields: str) -> int | None:
    for entry in log:
        if entry["type"] == type_ and all(entry["data"].get(name) == value for name, value in fields.items()):
            return ms(entry["at"])
    return None


def stages(log: list[Json], reported: int, restored: int | None) -> Json:
    ends = {
        "take_in": ms(log[0]["at"]), "dispatch": first(log, "order.issued"),
        "acceptance": first(log, "order.accepted"), "diagnosis": first(log, "order.progressed", stage="diagnosed"),
        "repair": restored, "confirmation": first(log, "ticket.closed"),
    }  # fmt: skip
    found, begin = {}, reported
    for name, end in ends.items():
        found[name] = None if end is None else max(0, end - begin)
        begin = max(begin, end or 0)
    return found


def spells(log: list[Json], intervals: list[Json], now: int) -> list[Json]:
    found: list[Json] = []
    for entry in log:
        type_, data, at = entry["type"], entry["data"], ms(entry["at"])
        live = [s for s in found if s["order"] == data.get("order") and s["end"] is None]
        if type_ == "order.issued" and not live:
            spell = {"order": data["order"], "network": data["network"], "start": at, "accepted": None}
            found.append({**spell, "end": None, "ended_by": None})
        if type_ == "order.accepted" and live and live[0]["accepted"] is None:
            live[0]["accepted"] = at
        if type_ in ENDS and live:
            live[0]["ended_by"], claim = ENDS[type_]
            said = data.get(claim) if claim else None
            live[0]["end"] = max(live[0]["start"], at if said is None else min(at, ms(said)))
    for s in found:
        end = now if s["end"] is None else s["end"]
        waits = [max(0, min(end, i["end"]) - max(s["start"], i["start"])) for i in intervals if i["state"] == "pending"]
        s["counted"] = end - s["start"] - sum(waits)
    return sorted(found, key=lambda s: (s["start"], s["order"]))
