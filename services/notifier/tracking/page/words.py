"""All that the page can say, (中文, English): its labels, and a sentence for every step that a link shows.

`{network}`, `{restored_at}` …: a field of the step, as people read it; `{}`: what the label is about.
"""

from collections.abc import Mapping
from typing import Any, get_args

from shared.contracts.vocabulary import STATUS, VALUES, Lang

LABELS: Mapping[str, tuple[str, str]] = {
    "ticket": ("障碍单", "Ticket"),
    "switch": ("English", "中文"),
    "loading": ("正在读取……", "Loading…"),
    "impact": ("影响", "Impact"),
    "reported": ("申告时间", "Reported"),
    "expected": ("预计恢复", "Expected back"),
    "unknown": ("暂无预计", "Not known yet"),
    "between": ("{from} 至 {to} 之间", "between {from} and {to}"),
    "had_said": ("原预计 {at}，已超 {over}", "first expected {at}, {over} ago"),
    "promised": ("承诺时限", "Promised by"),
    "restored": ("恢复时间", "Restored"),
    "left": ("还有 {}", "{} left"),
    "overdue": ("已超 {}", "{} overdue"),
    "steps": ("处理进展", "What has happened"),
    "network": ("{}本地网", "{} network"),
    "zone": ("时间为您所在时区（{}）。", "Times are in your time zone ({})."),
    "live": ("实时更新，无需刷新。", "Live: news appears by itself."),
    "asking": ("截至 {}，约每 30 秒更新一次。", "As of {}; updated about every 30 seconds."),
    "trying": (
        "暂时无法连接，正在不断重试，请保持此页打开。",
        "The center can't be reached right now. This page goes on trying; leave it open.",
    ),
    "dead": (
        "此链接无效或已过期，请向发送链接的人索取新链接。",
        "This link is not valid, or its time is over. Please ask whoever sent it to you for a new one.",
    ),
    "ended": (
        "此链接已被收回或已过期，请向发送链接的人索取新链接。",
        "This link was withdrawn, or its time is over. Please ask whoever sent it to you for a new one.",
    ),
}
STEPS: Mapping[str, tuple[str, str]] = {
    "ticket.reported": ("已受理故障申告", "The fault report was taken in"),
    "order.issued": ("已派单至{network}", "The order went to {network}"),
    "order.accepted": ("{network}已接单", "{network} has taken it on"),
    "order.progressed": ("{network}：{stage}", "{network}: {stage}"),
    "order.progressed.other": ("{network}正在处理", "{network} is at work"),
    "order.handed_over": ("{network}转派至{to}", "{network} hands over to {to}"),
    "ticket.suspended": ("修障暂停：{reason}", "The repair waits: {reason}"),
    "ticket.resumed": ("修障继续", "The repair goes on"),
    "ticket.restoration_predicted": (
        "预计 {expected_at} 恢复（{earliest_at} 至 {latest_at}）",
        "Expected back {expected_at}, between {earliest_at} and {latest_at}",
    ),
    "ticket.unchanged": (
        "暂无新进展，下次反馈不晚于 {next_update_by}",
        "Nothing new yet; you hear more by {next_update_by}",
    ),
    "ticket.restored": ("业务已于 {restored_at} 恢复", "Service was restored, {restored_at}"),
    "ticket.confirmed": ("已确认恢复", "The restoration is confirmed"),
    "ticket.reopened": ("障碍单已重新打开，继续修障", "The ticket is open again and the repair goes on"),
    "ticket.closed": ("障碍单已关闭", "The ticket is closed"),
    "ticket.cancelled": ("障碍单已撤销", "The ticket is cancelled"),
    "ticket.rejected": ("障碍单已退回", "The ticket is rejected"),
}
"""By type; where a stage reads differently, by `type.stage`."""
MORE: Mapping[str, tuple[str, str]] = {
    "expected_restoration_at": ("，预计 {expected_restoration_at} 恢复", "; expected back {expected_restoration_at}"),
    "cause": ("，原因：{cause}", "; cause: {cause}"),
}
"""What is added to a step that has this field."""


def spoken() -> dict[Lang, Any]:
    return {
        lang: {
            "labels": _in(lang, LABELS), "steps": _in(lang, STEPS), "more": _in(lang, MORE),
            "statuses": _in(lang, STATUS), "codes": _in(lang, VALUES),
        }
        for lang in get_args(Lang)
    }  # fmt: skip


def _in(lang: Lang, words: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    return {name: pair[0 if lang == "zh" else 1] for name, pair in words.items()}
