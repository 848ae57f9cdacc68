"""The words of a statement's page, (中文, English), and how instants and lengths read there. Pure.

China has one time, so the page tells everything in it, to the millisecond, and says so.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from shared.contracts import vocabulary
from shared.contracts.vocabulary import STATUS, Lang

BEIJING = timezone(timedelta(hours=8))
NOTHING = "–"
LABELS: Mapping[str, tuple[str, str]] = {
    "title": ("障碍处理对账单", "Statement of a trouble ticket"),
    "ticket": ("障碍单", "Ticket"),
    "account": ("客户", "Account"),
    "circuit": ("电路", "Circuit"),
    "impact": ("影响", "Impact"),
    "tier": ("客户等级", "Tier"),
    "status": ("状态", "Status"),
    "as_of": ("截至", "As of"),
    "times": ("均为北京时间（UTC+8）", "All times are Beijing time (UTC+8)"),
    "time_to_repair": ("修障历时", "Time to repair"),
    "so_far": ("尚未结束", "so far"),
    "reported_at": ("申告时间", "Reported"),
    "restored_at": ("恢复时间", "Restored"),
    "response": ("响应时间", "Response"),
    "last_heard_at": ("最近反馈", "Customer last heard"),
    "pending": ("挂起（客户侧，不计时）", "Suspended, the customer's side (not counted)"),
    "held": ("等待（我方，计时）", "Waiting, our side (counted)"),
    "targets": ("时限与结论", "Targets and verdicts"),
    "what": ("事项", "What"),
    "at": ("时间", "Time"),
    "target": ("时限", "Target"),
    "used": ("已用", "Used"),
    "verdict": ("结论", "Verdict"),
    "restore": ("承诺销障时限", "Restoration as promised"),
    "restore_5h": ("5 小时内销障", "Restoration within 5 hours"),
    "restore_2h": ("2 小时内销障", "Restoration within 2 hours"),
    "report": ("障碍报告", "Fault report"),
    "accept": ("接单", "Orders accepted"),
    "update": ("反馈间隔", "Updates, the longest silence"),
    "met": ("达标", "met"),
    "breached": ("超时", "breached"),
    "running_target": ("进行中", "running"),
    "intervals": ("时间段", "Intervals"),
    "from": ("从", "From"),
    "to": ("至", "To"),
    "length": ("时长", "Length"),
    "state": ("状态", "State"),
    "counts": ("计时", "Counted"),
    "yes": ("是", "yes"),
    "no": ("否", "no"),
    "why": ("原因与依据", "Reason and evidence"),
    "author": ("记录人", "Recorded by"),
    "entry": ("条", "Entry"),
    "running": ("修障中", "running"),
    "held_state": ("等待（我方）", "held"),
    "pending_state": ("挂起（客户侧）", "pending"),
    "restored": ("已恢复", "restored"),
    "over": ("已结束", "over"),
    "struck": ("已剔除的挂起，照常计时", "suspension struck out: counted"),
    "disputes": ("结论", "Standing"),
    "suspensions": ("挂起", "Suspensions"),
    "stands": ("成立", "stands"),
    "struck_out": ("剔除", "struck out"),
    "disputed": ("异议", "disputed"),
    "upheld": ("维持", "upheld"),
    "networks": ("各本地网", "Local networks"),
    "network": ("本地网", "Network"),
    "ended_by": ("结束", "Ended by"),
    "accepted_at": ("接单时间", "Accepted"),
    "share": ("计入时长", "Counted time"),
    "total": ("合计：{}", "Total: {}"),
    "declined": ("拒单", "declined"),
    "handed_over": ("转派", "handed over"),
    "stood_down": ("撤单", "stood down"),
    "stages": ("各阶段", "Stages"),
    "take_in": ("受理", "Take-in"),
    "dispatch": ("派单", "Dispatch"),
    "acceptance": ("接单", "Acceptance"),
    "diagnosis": ("判断", "Diagnosis"),
    "repair": ("修复", "Repair"),
    "confirmation": ("确认", "Confirmation"),
    "restorations": ("销障", "Restorations"),
    "cause": ("原因", "Cause"),
    "remedy": ("处理", "Remedy"),
    "fault_reports": ("障碍报告", "Fault reports"),
    "prevention": ("防范措施", "Prevention"),
    "text": ("说明", "Text"),
    "timeouts": ("催办与超时", "Warnings and time-outs"),
    "deadline": ("事项", "Deadline"),
    "percent": ("已用", "Used"),
    "due_at": ("应于", "Due"),
    "escalations": ("升级", "Escalations"),
    "level": ("级别", "Level"),
    "acknowledged": ("受理", "Acknowledged"),
    "terms": ("约定", "Terms"),
    "policy": ("依据", "Policy and rule"),
    "since": ("生效", "Since"),
    "accept_ms": ("接单", "Accept"),
    "update_ms": ("反馈", "Update"),
    "restore_ms": ("销障", "Restore"),
    "report_ms": ("报告", "Report"),
    "hours": ("服务时间", "Service hours"),
    "round_the_clock": ("全天", "round the clock"),
    "entries": ("全部记录与哈希链", "The whole log and its chain"),
    "fact": ("内容", "Fact"),
    "hash": ("哈希（SHA-256）", "Hash (SHA-256)"),
    "proof": ("校验", "Proof"),
    "key": ("公钥（Ed25519）", "Public key (Ed25519)"),
    "signature": ("签名", "Signature"),
    "head": ("末条哈希", "Last hash"),
    "how": (
        "本页由签名的 JSON 对账单生成。校验请用该 JSON：vrc verify 文件 --key 公钥；公钥须从别处取得，不以本页为准。",
        "This page was made from the signed JSON statement. Check that one: vrc verify FILE --key KEY, with a key"
        " that did not come with it.",
    ),
}


def label(name: str, lang: Lang) -> str:
    return LABELS[name][0 if lang == "zh" else 1]


def word(code: str | None, lang: Lang, *, field: str = "") -> str:
    return NOTHING if code is None else vocabulary.value(code, lang, field=field)


def status(code: str, lang: Lang) -> str:
    return STATUS.get(code, (code, code))[0 if lang == "zh" else 1]


def moment(instant: str | None) -> str:
    """`2026-11-21 16:30:00.250` on Beijing's clock."""
    if instant is None:
        return NOTHING
    there = datetime.fromisoformat(instant).astimezone(BEIJING)
    return there.isoformat(sep=" ", timespec="milliseconds")[:-6]


def length(ms: int | None, lang: Lang) -> str:
    """`2 h 05 min 03.250 s`."""
    if ms is None:
        return NOTHING
    seconds, rest = divmod(abs(ms), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    sign, fine = "-" if ms < 0 else "", f"{seconds:02}.{rest:03}"
    if lang == "zh":
        return f"{sign}{hours} 小时 {minutes:02} 分 {fine} 秒"
    return f"{sign}{hours} h {minutes:02} min {fine} s"


def target(ms: int | None, lang: Lang) -> str:
    """`2 h 30 min`: of a promise, which mostly is of whole minutes; else as `length`."""
    if ms is None or ms % 60_000:
        return length(ms, lang)
    hours, minutes = divmod(ms // 60_000, 60)
    parts = [(hours, ("小时", "h")), (minutes, ("分钟", "min"))]
    said = [f"{n} {unit[0 if lang == 'zh' else 1]}" for n, unit in parts if n]
    return " ".join(said) or length(ms, lang)
