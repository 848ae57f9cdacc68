"""The SLA clock once more, from `docs/architecture/sla-clock.md` alone: imports nothing of the product.

It takes entries as `GET /v1/tickets/{id}/log` shows them, and paints the time line between all instants there are.
"""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

Json = dict[str, Any]
FOREVER = 10**15
Move = tuple[int, Json]
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
        "promises": promises(log, moves, intervals, restored, now),
    }  # fmt: skip


def moves_of(log: list[Json], reported: int) -> list[Move]:
    bare = {"reason": None, "evidence": None, "network": None}
    struck = {
        entry["data"]["suspension"]: n for n, entry in enumerate(log) if entry["type"] == "ticket.suspension_struck_out"
    }
    moves: list[Move] = [(reported, {"state": "running", "struck": False, "seq": 1, **bare})]
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
        when = max(when, earliest(moves) if what["state"] == "restored" else moves[-1][0])
        moves = [(min(at, when), earlier) for at, earlier in moves] + [(when, what)]
    for (_, what), following in zip(moves, [*moves[1:], None], strict=True):
        vain = following is not None and following[1]["state"] not in ("restored", "over")
        what["counts"] = what["state"] in ("running", "held") or (what["state"] == "restored" and vain)
    return moves


def earliest(moves: list[Move]) -> int:
    """Of a restoration: the beginning of the outage, all that comes after the last move that says it was not down."""
    up = max((n for n, (_, what) in enumerate(moves) if what["state"] in ("restored", "over")), default=-1)
    return moves[min(up + 1, len(moves) - 1)][0]


def paint(moves: list[Move], now: int) -> dict[int, tuple[int, int]]:
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


def promises(log: list[Json], moves: list[Move], intervals: list[Json], restored: int | None, now: int) -> Json:
    said = [e["data"]["terms"] for e in log if e["type"] in ("ticket.reported", "ticket.terms_changed")]
    terms, first_entry = said[-1], log[0]["data"]
    if terms is None:
        if first_entry["breach_at"] is None:
            return {}
        terms = {"restore_ms": ms(first_entry["breach_at"]) - ms(first_entry["reported_at"]), "hours": None}
    open_hours = terms["hours"] or [[-FOREVER, -FOREVER]]
    open_hours = [*open_hours, [open_hours[-1][1], FOREVER]]
    waits = {
        "accept": order_waits(spells(log, intervals, now), moves), "update": silences(log, moves),
        "report": report_waits(log, restored),
    }  # fmt: skip
    found = {
        kind: longest(waits[kind], terms[f"{kind}_ms"], open_hours, now)
        for kind in waits
        if terms.get(f"{kind}_ms") is not None
    }
    return found | {"restore": restoration(terms["restore_ms"], open_hours, moves, intervals, restored, now)}


def inside(start: int, end: int, hours: list[list[int]]) -> int:
    return sum(max(0, min(end, closes) - max(start, opens)) for opens, closes in hours)


def later(start: int, length: int, hours: list[list[int]]) -> int:
    """By halving: time that counts never shrinks as its end moves on."""
    low, high = start, FOREVER
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if inside(start, middle, hours) >= length else (middle + 1, high)
    return low


def longest(waits: list[tuple[int, int | None]], target: int, hours: list[list[int]], now: int) -> Json:
    lengths = [inside(start, max(start, now if end is None else end), hours) for start, end in waits]
    if not waits:
        return {"target": target, "used": None, "verdict": None, "due_at": None}
    still = [start for start, end in waits if end is None]
    slowest = [start for (start, _), length in zip(waits, lengths, strict=True) if length == max(lengths)]
    verdict = "breached" if max(lengths) > target else "running" if still else "met"
    due_at = later(min(still or slowest), target, hours)
    return {"target": target, "used": max(lengths), "verdict": verdict, "due_at": due_at}


def order_waits(held: list[Json], moves: list[Move]) -> list[tuple[int, int | None]]:
    at, last = moves[-1]
    settled = [at] if last["state"] in ("restored", "over") else []
    found: list[tuple[int, int | None]] = []
    for spell in held:
        ends = [end for end in [spell["accepted"] or spell["end"], *settled] if end is not None]
        found.append((spell["start"], max(spell["start"], min(ends)) if ends else None))
    return found


def silences(log: list[Json], moves: list[Move]) -> list[tuple[int, int | None]]:
    found: list[tuple[int, int | None]] = []
    for n, entry in enumerate(log):
        state = [what["state"] for _, what in moves if what["seq"] <= entry["seq"]][-1]
        down = state not in ("restored", "over")
        word = n == 0 or not entry["actor"].startswith("account:") or entry["type"] == "ticket.reopened"
        if found and found[-1][1] is None and (word or not down):
            found[-1] = found[-1][0], ms(entry["at"])
        if word and down:
            found.append((ms(entry["at"]), None))
    return found


def report_waits(log: list[Json], restored: int | None) -> list[tuple[int, int | None]]:
    reopened = max((n for n, entry in enumerate(log) if entry["type"] == "ticket.reopened"), default=0)
    given = first(log[reopened:], "ticket.fault_report_given")
    return [] if restored is None else [(restored, None if given is None else max(restored, given))]


def restoration(
    target: int, hours: list[list[int]], moves: list[Move], intervals: list[Json], restored: int | None, now: int
) -> Json:  # fmt: skip
    state, running = moves[-1][1]["state"], [(i["start"], i["end"]) for i in intervals if i["counts"]]
    used = sum(inside(start, end, hours) for start, end in running)
    if state == "over" and restored is None:
        return {"target": target, "used": used, "verdict": None, "due_at": None}
    due_at = None
    for n, (start, end) in enumerate(running):
        before = sum(inside(a, b, hours) for a, b in running[:n])
        if due_at is None and before + inside(start, end, hours) >= target:
            due_at = later(start, target - before, hours)
    if due_at is None and state != "pending":
        due_at = later(now if restored is None else restored, target - used, hours)
    verdict = "breached" if used > target else "running" if restored is None else "met"
    return {"target": target, "used": used, "verdict": verdict, "due_at": due_at}
