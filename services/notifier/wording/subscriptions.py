"""What is told of a subscription rather than a ticket: nothing gets through, it was disabled, this is a test."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from services.notifier.model.standing import TEST
from services.notifier.wording.plain import one_line
from services.notifier.wording.telling import News, Telling
from services.notifier.wording.times import moment
from shared.contracts.event import Event
from shared.contracts.vocabulary import Lang

MOST_NAMED = 80
SAYINGS: Mapping[str, tuple[str, str]] = {
    "subscription.failing": (
        "通知发不出去：{receiver}，{reason}",
        "Notifications do not get through to {receiver}: {reason}",
    ),
    "subscription.exhausted": (
        "通知 {event} 发往 {receiver} 已放弃：{reason}；可补发",
        "Notification {event} to {receiver} was given up: {reason}. It can be replayed",
    ),
    "subscription.disabled": (
        "发往 {receiver} 的通知已停用：{reason}；恢复后请重新启用",
        "Notifications to {receiver} are disabled: {reason}. Enable them when it is well again",
    ),
    TEST: ("测试通知，没有发生任何障碍", "A test: no fault has happened"),
}
REASONS: Mapping[str, tuple[str, str]] = {
    "timeout": ("超时未应答", "it does not answer in time"),
    "dns": ("域名无法解析", "its name does not resolve"),
    "forbidden_target": ("地址不允许访问", "its address may not be reached"),
    "connect": ("无法连接", "no connection"),
    "tls": ("TLS 失败", "TLS fails"),
    "disconnected": ("连接中断", "it breaks the connection"),
    "protocol": ("应答无法理解", "its answer can't be understood"),
    "redirect": ("应答为重定向", "it answers with a redirect"),
    "too_many_requests": ("应答为请求过多", "it answers that these are too many"),
    "client_error": ("拒绝请求", "it refuses them"),
    "server_error": ("对端出错", "it has an error of its own"),
    "deferred": ("对端暂缓收取", "it puts off taking them"),
    "unauthorized": ("我方凭证被拒绝", "our own credentials are refused"),
    "not_configured": ("本中心未开通该渠道", "this center has no such channel"),
    "paced": ("本中心限速", "this center sends no more of them for now"),
    "rejected": ("消息被拒收", "it rejects the message"),
    "undelivered": ("短信未能送达手机", "it never reached the telephone"),
    "gone": ("对端已不再接收", "it says that it is gone"),
}


def telling_of_subscription(events: Sequence[Event], lang: Lang) -> Telling:
    news = [_news(event, lang) for event in events]
    data = _data(events[-1])
    id = data.get("subscription", "VIP")
    return Telling(
        lang=lang, ticket=id, subject=f"[{id}] {'通知渠道' if lang == 'zh' else 'How notifications get through'}",
        news=news, rows=list(_rows(data, lang)), brief=[n.happened for n in reversed(news)],
    )  # fmt: skip


def _news(event: Event, lang: Lang) -> News:
    data, number = _data(event), 0 if lang == "zh" else 1
    reason = REASONS.get(data.get("reason", ""), ("", ""))[number]
    receiver = one_line(data.get("receiver", ""), most=MOST_NAMED)
    said = SAYINGS[event.type][number].format(receiver=receiver, reason=reason, event=data.get("event"))
    return News(moment(event.at), said, [])


def _rows(data: Mapping[str, Any], lang: Lang) -> Iterator[tuple[str, str]]:
    zh = lang == "zh"
    if since := data.get("failing_since"):
        yield ("自" if zh else "Since"), moment(datetime.fromisoformat(since))
        yield ("时间" if zh else "Times"), ("均为北京时间" if zh else "Beijing time (UTC+8)")


def _data(event: Event) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(event.data)
    return found
