"""What the center itself wrote into a fact as its reason, told in 中文: the log keeps it in English.

What a person wrote is none of these sentences and stays as it is. A new sentence of the center's is a line here.
"""

import re
from collections.abc import Mapping

from shared.contracts import vocabulary

WRITES = {
    "order.issued": "reason",
    "ticket.unroutable": "reason",
    "ticket.terms_changed": "reason",
    "ticket.escalated": "reason",
    "ticket.resumed": "note",
}
"""The facts in which the center gives a reason in words, and where."""
SAID: Mapping[str, str] = {
    "faulty segment not known: both ends at once": "故障段未明，两端同时派单",
    "both ends are in this network": "两端均在本网",
    r"fault known in (?P<segment>\S+)(?P<where> \(.*\))?": "故障段已知：{segment}{where}",
    r"nearest to (?P<segment>\S+) of (?P<party>.+): test up to the demarcation(?P<where> \(.*\))?": (
        "离 {party} 的 {segment} 最近，请测试至分界点{where}"
    ),
    "handed over by (?P<by>[^ :]+): (?P<why>.*)": "由 {by} 转派：{why}",
    r"asked for assistance by (?P<by>[^ :]+)": "{by} 请求协查",
    r"asked for assistance by (?P<by>[^ :]+): (?P<why>.*)": "{by} 请求协查：{why}",
    r"found by (?P<by>[^ :]+)": "由 {by} 查明",
    r"found by (?P<by>[^ :]+): (?P<why>.*)": "由 {by} 查明：{why}",
    "named by a further report": "再次申告指明",
    r"(?P<by>\S+) has left the repair": "{by} 已退出修障",
    r"(?P<by>[^ :]+): (?P<word>no_fault_found|no_resources|not_our_segment|other)": "{by}：{word}",
    "the restoration did not hold": "恢复后故障再现",
    "routed by hand": "人工派单",
    "the circuit is no longer in the registry": "资料中已无此电路",
    "no segment of the circuit has a responsible local network": "电路各段均无责任本地网",
    r"the registry has no local network (?P<which>.+)": "资料中没有本地网 {which}",
    r"no network is left at work; (?P<by>\S+): (?P<word>\w+)": "已无本地网在修；{by}：{word}",
    r"reported again, and worse: (?P<word>\w+)": "再次申告，影响加重：{word}",
    r"the customer asks, number (?P<number>\d+)": "客户第 {number} 次催单",
    r"the time to accept the order in local network (?P<by>\S+) is over": "本地网 {by} 接单超时",
    r"the time to (?P<word>restore|report) is over": "{word}超时",
    r"(?P<percent>\d+) % of the time to accept the order in local network (?P<by>\S+) is over": (
        "本地网 {by} 接单时限已过 {percent}%"
    ),
    r"(?P<percent>\d+) % of the time to (?P<word>restore|report) is over": "{word}时限已过 {percent}%",
    r"several circuits at once in local network (?P<by>\S+): (?P<kinds>[\w, ]+)": (
        "本地网 {by} 多条电路同时故障（{kinds}）"
    ),
    "the order that suspended it has ended": "挂起的派单已结束",
}
"""Each sentence as a pattern, and how it is told."""
PATTERNS = [(re.compile(pattern, re.DOTALL), told) for pattern, told in SAID.items()]
KINDS = {"access": "接入", "metro": "城域", "backbone": "骨干"}


def in_chinese(text: str) -> str:
    """Several in one are parted by semicolons; one that is not the center's leaves all as it is."""
    return _told(text) or text


def _told(text: str) -> str | None:
    """What a person wrote stands last, and may have semicolons of its own."""
    if (told := _one(text)) is not None:
        return told
    first, _, others = text.partition("; ")
    told, rest = _one(first), _told(others) if others else None
    return f"{told}；{rest}" if told and rest else None


def _one(text: str) -> str | None:
    for pattern, told in PATTERNS:
        if found := pattern.fullmatch(text):
            return told.format(**{name: _shown(name, part or "") for name, part in found.groupdict().items()})
    return None


def _shown(name: str, part: str) -> str:
    match name:
        case "word":
            return vocabulary.value(part, "zh")
        case "kinds":
            return "、".join(KINDS.get(kind, kind) for kind in part.split(", "))
        case "where":
            return f"（{part[2:-1].replace(', contact ', '，联系人 ', 1)}）" if part else ""
        case "party" if part == "customer":
            return "客户"
        case _:
            return part
