"""What happened, said to the customer: a sentence in both languages for every fact, and what of it somebody wrote.

A fact that reads differently by one of its fields has a sentence for each: see `_variant`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from services.notifier.wording.names import Names
from services.notifier.wording.plain import one_line
from services.notifier.wording.times import moment
from shared.contracts import facts as f
from shared.contracts import satisfaction as sat
from shared.contracts import vocabulary
from shared.contracts.vocabulary import Lang
from shared.ids import NetworkCode

MOST_NAMED = 80
NETWORKS = frozenset({"network", "of", "to"})
CODED = frozenset({"impact", "stage", "reason", "cause", "remedy_code", "kind", "level"})
"""Fields of which a sentence shows the word; `reason` stands only in those where it is coded."""


@dataclass(frozen=True, slots=True)
class Saying:
    """`quotes` names the fields in which somebody wrote something of their own."""

    zh: str
    en: str
    quotes: tuple[str, ...] = ()

    def in_(self, lang: Lang) -> str:
        return self.zh if lang == "zh" else self.en


SAYINGS: Mapping[str, Saying] = {
    "ticket.reported": Saying(
        "已受理故障申告，电路 {circuit} {impact}",
        "Your fault report is taken in: circuit {circuit} is {impact}",
        ("description",),
    ),
    "ticket.report_joined": Saying(
        "再次申告已并入本障碍单，电路{impact}",
        "A further report joins this ticket: the circuit is {impact}",
        ("description",),
    ),
    "ticket.unroutable": Saying("值班人员正在人工派单", "Our duty desk is choosing the local network by hand"),
    "ticket.suspended.pending": Saying(
        "修障暂停，SLA 计时停止：{reason}", "The repair is suspended and the SLA clock stopped: {reason}", ("evidence",)
    ),
    "ticket.suspended.held": Saying(
        "修障等待中，SLA 继续计时：{reason}", "The repair waits while the SLA clock runs on: {reason}", ("evidence",)
    ),
    "ticket.resumed": Saying("修障继续，SLA 继续计时", "The repair goes on, and so does the SLA clock", ("note",)),
    "ticket.restored": Saying(
        "业务已于 {restored_at} 恢复，请确认", "Service was restored at {restored_at}; please confirm", ("remedy",)
    ),
    "ticket.confirmed": Saying("已确认恢复，感谢", "Confirmed: service is back. Thank you", ("comment",)),
    "ticket.closed": Saying("障碍单已关闭", "The ticket is closed"),
    "ticket.reopened": Saying(
        "障碍单已重新打开，继续修障", "The ticket is reopened and the repair goes on", ("reason",)
    ),
    "ticket.cancelled": Saying("障碍单已撤销", "The ticket is cancelled", ("reason",)),
    "ticket.rejected": Saying("障碍单已退回", "The ticket is rejected", ("reason",)),
    "ticket.noted": Saying("有新留言", "There is a new note", ("text",)),
    "ticket.repeated.circuit": Saying(
        "重复障碍：本电路 {days} 天内第 {faults} 次", "Repeated fault: number {faults} of this circuit in {days} days"
    ),
    "ticket.repeated.unprotected": Saying(
        "重复障碍：无保护电路 {days} 天内第 {faults} 次",
        "Repeated fault: number {faults} of this circuit without a second path in {days} days",
    ),
    "ticket.repeated.site": Saying(
        "重复障碍：该站点 {days} 天内第 {faults} 次", "Repeated fault: number {faults} at this site in {days} days"
    ),
    "ticket.attainment_fell": Saying(
        "近 {days} 天修复及时率 {after_percent}%（前 {days} 天 {before_percent}%）",
        "{after_percent} % of the last {days} days' repairs were in time; {before_percent} % of those before",
    ),
    "ticket.suspension_disputed": Saying("已对一次挂起提出异议", "A suspension is disputed", ("reason",)),
    "ticket.suspension_struck_out": Saying(
        "挂起不成立，SLA 重新计算", "A suspension is struck out and the SLA clock computed anew", ("reason",)
    ),
    "ticket.suspension_upheld": Saying("挂起成立", "A suspension is upheld", ("reason",)),
    "ticket.terms_changed": Saying("时限已变更", "Other targets hold from here on", ("reason",)),
    "ticket.chased": Saying("已收到催单", "You asked where it stays", ("text",)),
    "ticket.deadline_warned": Saying("{kind}时限已过 {percent}%", "{percent} % of the time for {kind} is over"),
    "ticket.deadline_warned.network": Saying(
        "{network}：{kind}时限已过 {percent}%", "{network}: {percent} % of the time for {kind} is over"
    ),
    "ticket.deadline_missed.network": Saying(
        "{network}：{kind}已超时（应于 {due_at} 前）", "{network} is late: {kind} was due by {due_at}"
    ),
    "ticket.deadline_missed": Saying("{kind}已超时（应于 {due_at} 前）", "Late: {kind} was due by {due_at}"),
    "ticket.unchanged": Saying(
        "暂无新进展，下次反馈不晚于 {next_update_by}", "No change. The next update comes by {next_update_by}"
    ),
    "ticket.escalated": Saying("已升级至{level}（{cause}）", "Escalated to {level}: {cause}"),
    "ticket.escalation_acknowledged": Saying("升级已有人受理", "The escalation is acknowledged", ("note",)),
    "ticket.restoration_predicted": Saying(
        "预计 {expected_at} 恢复（{earliest_at} 至 {latest_at}）",
        "Expected back at {expected_at}, between {earliest_at} and {latest_at}",
    ),
    "ticket.restoration_predicted.overdue": Saying(
        "未能按预计于 {overdue_since} 恢复，现预计 {expected_at}（{earliest_at} 至 {latest_at}）",
        "Not back at {overdue_since} as announced; now expected back at {expected_at},"
        " between {earliest_at} and {latest_at}",
    ),
    "ticket.fault_report_given": Saying(
        "障碍报告：{cause}，{remedy_code}", "Fault report: {cause}, {remedy_code}", ("text", "prevention")
    ),
    "ticket.follow_up_asked": Saying(
        "您对本次修障满意吗？请于 {answer_by} 前答复",
        "Are you satisfied with this repair? Please answer by {answer_by}",
    ),
    "ticket.follow_up_unanswered": Saying("回访未获答复", "The follow-up was not answered"),
    "ticket.satisfaction_answered.yes": Saying("已记录：满意", "Recorded: satisfied", ("comment",)),
    "ticket.satisfaction_answered.no": Saying("已记录：不满意", "Recorded: not satisfied", ("comment",)),
    "ticket.follow_up_opened": Saying(
        "已立案跟进，{due_at} 前给您答复", "A follow-up case is open; you hear from us by {due_at}"
    ),
    "ticket.follow_up_worked": Saying("对您的不满意已作处理", "Something was done about it", ("text",)),
    "ticket.follow_up_late": Saying("跟进已超时，我们正在催办", "The follow-up is late, and is being urged"),
    "ticket.survey_asked": Saying(
        "{quarter} 季度满意度调查：请于 {answer_by} 前评分（1–5）",
        "Survey of {quarter}: please rate our service from 1 to 5 by {answer_by}",
    ),
    "ticket.survey_answered": Saying("{quarter} 调查已答复：{score} 分", "Survey of {quarter} answered: {score} of 5"),
    "order.issued.repair": Saying("已派单至{network}", "{network} is ordered to repair it"),
    "order.issued.assistance": Saying("已请{network}协查", "{network} is called in to assist"),
    "order.accepted": Saying("{network}已接单", "{network} has accepted the order"),
    "order.accepted.by": Saying(
        "{network}已接单，工程师：{engineer}", "{network} has accepted the order, engineer: {engineer}"
    ),
    "order.declined": Saying(
        "{network}退单（{reason}），正在改派", "{network} declines ({reason}); it is being routed elsewhere", ("note",)
    ),
    "order.progressed": Saying("{network}：{stage}", "{network}: {stage}", ("note",)),
    "order.assistance_requested": Saying("{network}请{of}协查", "{network} asks {of} to assist", ("note",)),
    "order.handed_over": Saying("{network}转派至{to}", "{network} hands over to {to}", ("reason",)),
    "order.stood_down": Saying("{network}撤单：{reason}", "{network} stands down: {reason}"),
}


def saying(fact: f.Fact) -> Saying:
    return SAYINGS[f.NAMES[type(fact)] + _variant(fact)]


def sentence(fact: f.Fact, names: Names, lang: Lang) -> str:
    """What happened, in one line without its time."""
    said = saying(fact).in_(lang).format_map(dict(_shown(fact, names, lang)))
    return said[:1].upper() + said[1:]  # an English one may begin with a network


def quotations(fact: f.Fact, *, most: int) -> Iterator[str]:
    """What people wrote with it, each as one line of so many characters at most."""
    for name in saying(fact).quotes:
        if text := one_line(getattr(fact, name) or "", most=most):
            yield text


def network(code: NetworkCode, names: Names, lang: Lang) -> str:
    known = names(code)
    if lang == "zh":
        return f"{one_line(known.name_zh, most=MOST_NAMED)}本地网" if known else f"{code} 本地网"
    return f"local network {one_line(known.name_en, most=MOST_NAMED) if known else code}"


def word(code: str, lang: Lang) -> str:
    """A coded word as people read it; one that is not known is itself."""
    return vocabulary.value(code, lang)


def _variant(fact: f.Fact) -> str:
    match fact:
        case f.TicketSuspended(clock=clock):
            return f".{clock}"
        case f.OrderIssued(kind=kind) | f.FaultRepeated(kind=kind):
            return f".{kind}"
        case sat.SatisfactionAnswered(satisfied=satisfied):
            return ".yes" if satisfied else ".no"
        case f.OrderAccepted(engineer=str()):
            return ".by"
        case f.DeadlineWarned(network=str()) | f.DeadlineMissed(network=str()):
            return ".network"
        case f.RestorationPredicted(overdue_since=datetime()):
            return ".overdue"
        case _:
            return ""


def _shown(fact: f.Fact, names: Names, lang: Lang) -> Iterator[tuple[str, str]]:
    for field in fields(fact):
        value: Any = getattr(fact, field.name)
        if field.name in NETWORKS and isinstance(value, str):
            yield field.name, network(NetworkCode(value), names, lang)
        elif isinstance(value, datetime):
            yield field.name, moment(value)
        else:
            shown = vocabulary.value(str(value), lang, field=field.name) if field.name in CODED else str(value)
            yield field.name, one_line(shown, most=MOST_NAMED)
