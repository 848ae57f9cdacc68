"""A statement checked once more, from `docs/architecture/statement.md` alone: imports nothing of the product.

`check` answers what is wrong with it, `figures_of` makes again all that follows from its entries.
"""

import json
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.independent_clock import compute, ms

Json = dict[str, Any]
HEAD = ("seq", "at", "type", "actor", "account", "status", "origin")
DISPUTES = {
    "ticket.suspension_disputed": "disputed", "ticket.suspension_struck_out": "struck_out",
    "ticket.suspension_upheld": "upheld",
}  # fmt: skip
HOUR = 3_600_000


def check(text: bytes, key: str | None) -> list[str]:
    """`key` None: whether it fits together."""
    statement = json.loads(text, object_pairs_hook=once)
    wrong = []
    if key is not None and statement["key"] != key:
        wrong.append("key")
    if not signed(statement):
        wrong.append("signature")
    broken = first_broken(statement)
    if broken is not None:
        return [*wrong, f"entry {broken}"]
    again = figures_of(statement)
    said = {name: value for name, value in statement.items() if name not in ("key", "signature", "names")}
    return wrong + [name for name in said.keys() | again.keys() if not same(said.get(name, ""), again.get(name, ""))]


def once(pairs: list[tuple[str, Any]]) -> Json:
    assert len(dict(pairs)) == len(pairs), "a field is there twice"
    return dict(pairs)


def same(one: Any, other: Any) -> bool:
    """Also of one type all the way down: 1 is not true."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def signed(statement: Json) -> bool:
    rest = {name: value for name, value in statement.items() if name != "signature"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(statement["key"]))
        public.verify(bytes.fromhex(statement["signature"]), b"vrc-statement/1\n" + text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def first_broken(statement: Json) -> int | None:
    """The number of the first entry that does not follow from those before it."""
    before = bytes(32)
    for number, entry in enumerate(statement["entries"], 1):
        said = {**entry, "at": ms(entry["at"])}
        head = "\x1f".join([statement["ticket"], *(str(said[name]) for name in HEAD)])
        before = sha256(before + head.encode() + b"\x1e" + entry["data"].encode()).digest()
        if entry["seq"] != number or entry["hash"] != before.hex():
            return number
    return None


def figures_of(statement: Json) -> Json:
    log = [{**entry, "data": json.loads(entry["data"])} for entry in statement["entries"]]
    clock = compute(log, ms(statement["as_of"]))
    first, changes = log[0]["data"], [e["data"] for e in log if e["type"] == "ticket.terms_changed"]
    return {
        "format": "vrc-statement/1", "as_of": instant(clock["now"]), "ticket": statement["ticket"],
        "account": first["account"], "circuit": first["circuit"], "status": log[-1]["status"],
        "impact": last("impact", [first, *changes]), "tier": last("tier", [first, *changes]),
        "figures": shown_clock(clock), "intervals": [interval(i, log) for i in clock["intervals"]],
        "orders": [order(s) for s in clock["spells"]],
        "shares": shares(clock["spells"]),
        "targets": {kind: target(promise) for kind, promise in clock["promises"].items()},
        "goals": {"5h": goal(5, clock), "2h": goal(2, clock)},
        **told(log, clock), "entries": [bare(e) for e in statement["entries"]],
    }  # fmt: skip


def shares(spells: list[Json]) -> Json:
    return {of["network"]: sum(s["counted"] for s in spells if s["network"] == of["network"]) for of in spells}


def last(name: str, facts: list[Json]) -> Any:
    return [None, *(data[name] for data in facts if data.get(name) is not None)][-1]


def bare(entry: Json) -> Json:
    return {**{name: entry[name] for name in (*HEAD, "data", "hash")}, "at": instant(ms(entry["at"]))}


def instant(at: int | None) -> str | None:
    if at is None:
        return None
    days, rest = divmod(at, 24 * HOUR)
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, 60_000)
    return f"{date(days)}T{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}Z"


def date(days: int) -> str:
    """Days since 1970 → year-month-day, of the Gregorian calendar (years that begin in March)."""
    days += 719_468
    era, of_era = divmod(days, 146_097)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    return f"{year + era * 400 + (month >= 10):04}-{(month + 2) % 12 + 1:02}-{of_year - (153 * month + 2) // 5 + 1:02}"


def shown_clock(clock: Json) -> Json:
    return {
        "state": clock["state"], "reported_at": instant(clock["reported_at"]),
        "restored_at": instant(clock["restored_at"]), "time_to_repair_ms": clock["time_to_repair"],
        "is_final": clock["restored_at"] is not None, "response_ms": clock["response"],
        "last_heard_at": instant(clock["last_heard_at"]), "pending_ms": clock["pending"], "held_ms": clock["held"],
        "stages_ms": clock["stages"],
    }  # fmt: skip


def interval(i: Json, log: list[Json]) -> Json:
    return {
        "seq": i["seq"], "start": instant(i["start"]), "end": instant(i["end"]), "length_ms": i["end"] - i["start"],
        "state": i["state"], "counts": i["counts"], "reason": i["reason"], "evidence": i["evidence"],
        "network": i["network"], "author": log[i["seq"] - 1]["actor"], "struck_out": i["struck"],
    }  # fmt: skip


def order(s: Json) -> Json:
    return {
        "order": s["order"], "network": s["network"], "start": instant(s["start"]), "end": instant(s["end"]),
        "ended_by": s["ended_by"], "accepted_at": instant(s["accepted"]), "counted_ms": s["counted"],
    }  # fmt: skip


def target(promise: Json) -> Json:
    return {
        "target_ms": promise["target"], "used_ms": promise["used"], "verdict": promise["verdict"],
        "due_at": instant(promise["due_at"]),
    }  # fmt: skip


def goal(hours: int, clock: Json) -> Json:
    took, verdict = clock["time_to_repair"], None
    if took is not None:
        verdict = "breached" if took > hours * HOUR else "running" if clock["restored_at"] is None else "met"
    return {"target_ms": hours * HOUR, "used_ms": took, "verdict": verdict}


def told(log: list[Json], clock: Json) -> Json:
    """The facts that are listed by themselves."""
    lengths = {i["seq"]: i["end"] - i["start"] for i in clock["intervals"]}
    lists: dict[str, list[Json]] = {
        name: []
        for name in ("terms", "suspensions", "restorations", "fault_reports", "timeouts", "escalations")
    }  # fmt: skip
    for e in log:
        data, head = e["data"], {"seq": e["seq"], "at": e["at"], "author": e["actor"]}

        def of(*names: str, data: Json = data, head: Json = head) -> Json:
            return head | {name: data.get(name) for name in names}

        match e["type"]:
            case "ticket.reported" | "ticket.terms_changed":
                lists["terms"].append(of("reason", "tier", "impact", "terms"))
            case "ticket.suspended":
                disputes = named(log, "suspension", e["seq"], DISPUTES)
                struck = any(d["what"] == "struck_out" and d["seq"] > e["seq"] for d in disputes)
                lists["suspensions"].append(
                    of("order", "network", "clock", "reason", "evidence")
                    | {"occurred_at": trimmed(data.get("occurred_at")), "length_ms": lengths.get(e["seq"], 0)}
                    | {"struck_out": struck, "disputes": disputes}
                )
            case "ticket.restored":
                restored = {"restored_at": trimmed(data["restored_at"])}
                lists["restorations"].append(of("network", "cause", "remedy_code", "remedy") | restored)
            case "ticket.fault_report_given":
                lists["fault_reports"].append(of("cause", "remedy_code", "text", "prevention"))
            case "ticket.deadline_warned" | "ticket.deadline_missed":
                late = {"percent": data.get("percent", 100), "due_at": trimmed(data["due_at"])}
                lists["timeouts"].append(of("kind", "deadline", "network") | late)
            case "ticket.escalated":
                heard = named(log, "escalation", e["seq"], {"ticket.escalation_acknowledged": ""})
                told_to = of("level", "cause", "reason", "to", "times", "networks", "group")
                lists["escalations"].append(told_to | {"acknowledged": heard})
    return lists


def named(log: list[Json], field: str, seq: int, types: dict[str, str]) -> list[Json]:
    """The entries of these types whose `field` names entry `seq`."""
    found = []
    for e in log:
        if e["type"] in types and e["data"][field] == seq:
            what = {"what": types[e["type"]], "reason": e["data"]["reason"]} if field == "suspension" else {}
            note = {"note": e["data"].get("note")} if field == "escalation" else {}
            found.append({"seq": e["seq"], "at": e["at"], "author": e["actor"], **what, **note})
    return found


def trimmed(said: str | None) -> str | None:
    return None if said is None else instant(ms(said))
