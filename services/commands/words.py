"""What happens to a ticket, in words, 中文 and English: one line a fact, from the form that streams and logs show."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.contracts import vocabulary
from shared.contracts.reasons import WRITES, in_chinese
from shared.contracts.vocabulary import STATUS, Lang

Fact = Mapping[str, Any]

CODES = frozenset({"impact", "stage", "cause", "remedy_code", "kind", "level"})
"""Fields that hold one of the words above; `reason` does where the fact is of one of these types:"""
CODED_REASONS = frozenset({"order.declined", "ticket.suspended", "order.stood_down"})
INSTANTS = frozenset({"answer_by", "expected_restoration_at", "next_update_by", "expected_at"})
LINES: Mapping[str, tuple[str, str]] = {
    "ticket.reported": (
        "故障申告：电路 {circuit} {impact}，{description}",
        "fault reported: circuit {circuit} is {impact}, {description}",
    ),
    "ticket.report_joined": ("再次申告：{impact}，{description}", "reported again: {impact}, {description}"),
    "ticket.unroutable": ("无法派单，转人工：{reason}", "to be routed by hand: {reason}"),
    "ticket.suspended": ("挂起：{reason}（{network}）", "suspended by {network}: {reason}"),
    "ticket.resumed": ("解挂", "resumed"),
    "ticket.restored": ("销障：本地网 {network}", "service restored by local network {network}"),
    "ticket.confirmed": ("客户确认", "confirmed by the customer"),
    "ticket.closed": ("障碍单关闭", "ticket closed"),
    "ticket.reopened": ("重新打开：{reason}", "reopened: {reason}"),
    "ticket.cancelled": ("客户撤销", "cancelled"),
    "ticket.rejected": ("退单：{reason}", "rejected: {reason}"),
    "ticket.noted": ("留言：{text}", "note: {text}"),
    "ticket.repeated": (
        "重复障碍：{subject}，{days} 天内 {faults} 次",
        "early warning: {faults} faults in {days} days, {subject}",
    ),
    "ticket.attainment_fell": (
        "修复及时率下降：近 {days} 天 {after_percent}%，此前 {before_percent}%",
        "early warning: {after_percent} % in time in {days} days, {before_percent} % before",
    ),
    "ticket.suspension_disputed": ("挂起有异议：{reason}", "a suspension is disputed: {reason}"),
    "ticket.suspension_struck_out": ("挂起不成立：{reason}", "a suspension is struck out: {reason}"),
    "ticket.suspension_upheld": ("挂起成立：{reason}", "a suspension is upheld: {reason}"),
    "ticket.terms_changed": ("时限变更：{reason}", "other targets from here on: {reason}"),
    "ticket.chased": ("客户催单", "the customer asks where it stays"),
    "ticket.deadline_warned": ("{kind}时限已过 {percent}%", "{percent} % of the time for {kind} is over"),
    "ticket.deadline_warned of a network": (
        "本地网 {network}：{kind}时限已过 {percent}%",
        "local network {network}: {percent} % of the time for {kind} is over",
    ),
    "ticket.deadline_missed of a network": ("本地网 {network}：{kind}超时", "local network {network} is late: {kind}"),
    "ticket.deadline_missed": ("{kind}超时", "late: {kind}"),
    "ticket.unchanged": ("暂无新进展，下次反馈不晚于 {next_update_by}", "no change, next update by {next_update_by}"),
    "ticket.escalated": ("升级至{level}：{reason}", "escalated to {level}: {reason}"),
    "ticket.escalation_acknowledged": ("升级已受理", "the escalation is acknowledged"),
    "ticket.restoration_predicted": ("预计 {expected_at} 恢复", "expected back at {expected_at}"),
    "ticket.fault_report_given": ("障碍报告：{cause}，{text}", "fault report: {cause}, {text}"),
    "ticket.follow_up_asked": ("回访：您满意吗？", "are you satisfied? please answer by {answer_by}"),
    "ticket.follow_up_unanswered": ("回访未答复", "the follow-up was not answered"),
    "ticket.satisfaction_answered": ("回访答复：{satisfied}", "satisfied: {satisfied}"),
    "ticket.follow_up_opened": ("不满意，立案跟进：{owner}", "a follow-up case is open: {owner}"),
    "ticket.follow_up_worked": ("跟进：{text}", "followed up: {text}"),
    "ticket.follow_up_late": ("跟进超时：{owner}", "the follow-up is late: {owner}"),
    "ticket.survey_asked": ("{quarter} 季度满意度调查", "survey of {quarter}"),
    "ticket.survey_answered": ("{quarter} 调查答复：{score} 分", "survey of {quarter} answered: {score}"),
    "order.issued": ("派单：本地网 {network}（{reason}）", "local network {network} is ordered: {reason}"),
    "order.accepted": ("接单：本地网 {network}", "local network {network} accepts"),
    "order.declined": ("拒单：本地网 {network}，{reason}", "local network {network} declines: {reason}"),
    "order.progressed": ("进展：本地网 {network} {stage}", "local network {network}: {stage}"),
    "order.assistance_requested": ("协查：{network} 请 {of} 配合", "{network} asks {of} for assistance"),
    "order.handed_over": ("转派：{network} → {to}（{reason}）", "handed over from {network} to {to}: {reason}"),
    "order.stood_down": ("撤单：本地网 {network}，{reason}", "local network {network} stands down: {reason}"),
}
TAILS: Mapping[str, tuple[str, str]] = {
    "segment": ("，段 {}", ", segment {}"),
    "cause": ("，原因 {}", ", cause: {}"),
    "remedy_code": ("，{}", ", {}"),
    "remedy": ("，{}", ", {}"),
    "prevention": ("，防范：{}", ", against it: {}"),
    "engineer": ("，{}", ", {}"),
    "expected_restoration_at": ("，预计 {} 恢复", ", expected back at {}"),
    "note": ("，{}", ", {}"),
    "evidence": ("，{}", ", {}"),
    "comment": ("，{}", ", {}"),
}
"""What follows the line where the fact has it."""


def line(fact: Fact, lang: Lang) -> str:
    """One fact without its time, on one line: whoever wrote something of it writes no line that looks like ours.

    A fact of a type that is not known here is its type.
    """
    of_network = LINES.get(f"{fact['type']} of a network") if fact["data"].get("network") else None
    template = of_network or LINES.get(fact["type"])
    if template is None:
        return str(fact["type"])
    shown = _Shown({name: _word(name, fact, lang=lang) for name in fact["data"]})
    tails = (text[_place(lang)].format(shown[name]) for name, text in TAILS.items() if fact["data"].get(name))
    return " ".join((template[_place(lang)].format_map(shown) + "".join(tails)).split())


def clock_time(instant: str) -> str:
    """`08:30:00` on the reader's clock."""
    return f"{datetime.fromisoformat(instant).astimezone():%H:%M:%S}"


def status_word(status: str, lang: Lang) -> str:
    return STATUS[status][_place(lang)] if status in STATUS else status


class _Shown(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "?"


def _word(name: str, fact: Fact, *, lang: Lang) -> str:
    value = fact["data"][name]
    if name in INSTANTS and value:
        return clock_time(value)
    if lang == "zh" and value and WRITES.get(fact["type"]) == name and fact["data"].get("cause") != "by_hand":
        return in_chinese(str(value))
    coded = name in CODES or (name == "reason" and fact["type"] in CODED_REASONS)
    return vocabulary.value(str(value), lang, field=name) if coded else str(value)


def _place(lang: Lang) -> int:
    return 0 if lang == "zh" else 1
