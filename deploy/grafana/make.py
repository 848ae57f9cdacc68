"""Grafana's dashboards, as code: `python deploy/grafana/make.py` writes dashboards/*.json anew.

Every query is asked of a real Prometheus in tests/flow/test_dashboards.py. What every dispatcher shows of the record is
taken once (`max by`), whatever is counted in a process is added up.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

FOLDER = Path(__file__).parent / "dashboards"
SOURCE = {"type": "prometheus", "uid": "vrc-prometheus"}
COLUMNS = 24
GREEN, YELLOW, RED = "green", "yellow", "red"
Kind = Literal["stat", "timeseries", "bargauge", "table"]
Steps = Sequence[tuple[float | None, str]]
NONE_IS_GOOD: Steps = ((None, GREEN), (1, RED))
SHARE: Steps = ((None, RED), (0.8, GREEN))
FIVE_HOURS = 5 * 3600


@dataclass(frozen=True, slots=True)
class Panel:
    """`queries`: expression and legend, where `{{label}}` is a label of its result. `unit` is Grafana's name."""

    kind: Kind
    title: str
    queries: Sequence[tuple[str, str]]
    unit: str = "short"
    width: int = 6
    height: int = 8
    steps: Steps = ()
    help: str = ""
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    panels: Sequence[Panel]


def stat(title: str, expr: str, *, unit: str = "short", steps: Steps = (), width: int = 3, help: str = "") -> Panel:
    return Panel("stat", title, [(expr, "")], unit=unit, width=width, height=4, steps=steps, help=help)


def share(title: str, target: str, span: str) -> Panel:
    expr = f'vrc:attainment:ratio_{span}{{target="{target}"}}'
    return stat(title, expr, unit="percentunit", steps=SHARE, width=4)


NOC = (
    Row("Now 当前", [
        stat("Open 在途", "sum(max by (tier, status, impact) (vrc_open_tickets))"),
        stat("Late 已超时", "sum(max by (tier) (vrc_open_tickets_breached))", steps=NONE_IS_GOOD),
        stat("Late within 30 min 30 分钟内超时", 'sum(max by (tier) (vrc_open_tickets_to_breach{within="30m"}))',
             steps=NONE_IS_GOOD),
        stat("Late within 1 h 1 小时内超时", 'sum(max by (tier) (vrc_open_tickets_to_breach{within="1h"}))',
             steps=((None, GREEN), (1, YELLOW))),
        stat("Next breach in 距下次超时", "min(vrc_next_breach_seconds)", unit="s",
             steps=((None, RED), (1800, YELLOW), (3600, GREEN))),
        stat("Escalations unanswered 升级未确认", "sum(max by (level) (vrc_escalations_unacknowledged))",
             steps=NONE_IS_GOOD),
        stat("To be routed by hand 待人工派单", "max(vrc_noc_queue_tickets)", steps=NONE_IS_GOOD),
        stat("Silent networks 静默本地网", "max(vrc_silent_networks)", steps=NONE_IS_GOOD),
    ]),
    Row("Tickets 障碍单", [
        Panel("table", "Alerts 告警", [
            ('ALERTS{alertname=~"Vrc.+", alertstate="firing"}', "{{alertname}}"),
        ], width=8),
        Panel("timeseries", "Open by status 按状态", [
            ("sum by (status) (max by (tier, status, impact) (vrc_open_tickets))", "{{status}}"),
        ], width=8),
        Panel("timeseries", "Open by tier 按等级", [
            ("sum by (tier) (max by (tier, status, impact) (vrc_open_tickets))", "{{tier}}"),
        ], width=8),
        Panel("bargauge", "Next breach by tier 各等级距下次超时", [
            ("min by (tier) (vrc_next_breach_seconds)", "{{tier}}"),
        ], unit="s", steps=((None, RED), (1800, YELLOW), (3600, GREEN))),
        Panel("bargauge", "Escalations unanswered by level 各级未确认升级", [
            ("max by (level) (vrc_escalations_unacknowledged)", "{{level}}"),
        ], steps=NONE_IS_GOOD),
        Panel("bargauge", "Early warnings 预警", [("max by (kind) (vrc_early_warnings)", "{{kind}}")],
              steps=((None, GREEN), (1, YELLOW))),
        Panel("timeseries", "Allowance of 5 h used up 5 小时超时额度消耗倍数", [
            ("vrc:burn_5h:rate_1h", "1 h"), ("vrc:burn_5h:rate_6h", "6 h"), ("vrc:burn_5h:rate_1d", "1 d"),
            ("vrc:burn_5h:rate_3d", "3 d"),
        ], most=5, steps=((None, GREEN), (1, YELLOW), (3, RED)), help="1: just allowed; 5: every repair is late."),
    ]),
    Row("Pipeline 处理链路", [
        Panel("timeseries", "Reports a second 申告", [
            ("sum by (outcome) (rate(vrc_reports_total[1m]))", "{{outcome}}"),
        ], unit="reqps"),
        Panel("timeseries", "Orders, progress a second 派单与回单", [
            ("sum(rate(vrc_orders_issued_total[1m]))", "issued"),
            ("sum by (outcome) (rate(vrc_order_progress_total[1m]))", "progress {{outcome}}"),
            ("sum(rate(vrc_dispatch_failures_total[1m]))", "dispatch failed"),
            ("sum(rate(vrc_dispatch_overlooked_total[1m]))", "no event told"),
        ], unit="ops"),
        Panel("timeseries", "Behind, in events 积压", [
            ("sum by (consumer) (vrc_consumer_lag_events)", "{{consumer}}"),
        ]),
        Panel("timeseries", "Oldest unpublished 最早未发布", [("max(vrc_relay_age_seconds)", "age")], unit="s",
              help="Kafka only; the embedded center needs no relay."),
        Panel("timeseries", "Published, fed a second 发布", [
            ("sum(rate(vrc_relay_published_total[1m]))", "published"),
            ("sum(rate(vrc_feed_events_total[1m]))", "fed"),
            ("sum(rate(vrc_feed_overlooked_total[1m]))", "fed without the bus"),
        ], unit="ops"),
        Panel("timeseries", "Deliveries a second 推送", [
            ("sum by (channel, outcome) (rate(vrc_delivery_attempts_total[1m]))", "{{channel}} {{outcome}}"),
        ], unit="ops"),
        Panel("timeseries", "Delivery takes, 90 % 推送耗时", [
            ("histogram_quantile(0.9, sum by (channel, le) (rate(vrc_delivery_attempt_seconds_bucket[5m])))",
             "{{channel}}"),
        ], unit="s"),
        Panel("timeseries", "Subscribers in trouble 推送异常", [
            ("max by (channel, state) (vrc_subscriptions_in_trouble)", "{{channel}} {{state}}"),
            ("max(vrc_delivery_lanes_due)", "due"),
        ]),
        Panel("timeseries", "Answers a second 请求", [
            ("sum by (status) (rate(vrc_http_requests_total[1m]))", "{{status}}"),
        ], unit="reqps"),
        Panel("timeseries", "Answer takes, 99 % 响应耗时", [
            ("histogram_quantile(0.99, sum by (le) (rate(vrc_http_request_seconds_bucket[5m])))", "99 %"),
        ], unit="s"),
        Panel("timeseries", "Loops silent 循环停转", [("max by (loop) (vrc_loop_silent_seconds)", "{{loop}}")],
              unit="s", steps=((None, GREEN), (60, RED))),
        Panel("timeseries", "Processes, streams 进程与实时连接", [
            ('sum(up{job="vrc"})', "up"), ("sum(vrc_streams_open)", "live streams"),
        ]),
    ]),
)  # fmt: skip
MANAGEMENT = (
    Row("Attainment 及时率", [
        share("Within 5 h, a month 月 5 小时", "5h", "30d"),
        share("Within 2 h, a month 月 2 小时", "2h", "30d"),
        share("Within own target, a month 月按承诺", "own", "30d"),
        share("Within 5 h, today 日 5 小时", "5h", "1d"),
        share("Within 5 h, a quarter 季 5 小时", "5h", "90d"),
        stat("Repaired in a month 月修复数", 'sum(vrc:repairs:change_30d{target="5h"})', width=4),
        Panel("timeseries", "Attainment of 30 days 近 30 天及时率", [("vrc:attainment:ratio_30d", "{{target}}")],
              unit="percentunit", width=12, most=1, steps=SHARE, help="The objective: 80 % within 5 hours."),
        Panel("timeseries", "Repaired in a day, by the 5 hours 日修复数", [
            ('vrc:repairs:change_1d{target="5h"}', "{{verdict}}"),
        ], width=12),
        Panel("bargauge", "By tier, 30 days, 5 h 各等级", [('vrc:attainment_tier:ratio_30d{target="5h"}', "{{tier}}")],
              unit="percentunit", width=8, steps=SHARE, most=1),
        Panel("table", "Networks with the lowest attainment, 30 days 及时率最低的本地网", [
            ("bottomk(15, vrc:network_attainment_5h:ratio_30d) * on (network) group_left (name, province)"
             " max by (network, name, province) (vrc_network_info)", "{{name}} {{province}}"),
        ], unit="percentunit", width=8, height=10, steps=SHARE),
        Panel("table", "Networks with the most repairs, 30 days 修复最多的本地网", [
            ('topk(15, vrc:network_repairs:buckets_30d{le="+Inf"}) * on (network) group_left (name, province)'
             " max by (network, name, province) (vrc_network_info)", "{{name}} {{province}}"),
        ], width=8, height=10),
    ]),
    Row("Time to repair 修障历时", [
        stat("Half within 中位数", "histogram_quantile(0.5, vrc:time_to_repair:buckets_30d)", unit="s", width=4),
        stat("Nine of ten within 90 分位", "histogram_quantile(0.9, vrc:time_to_repair:buckets_30d)", unit="s", width=4,
             steps=((None, GREEN), (FIVE_HOURS, RED))),
        stat("Reopened 重新申告", "max(vrc_reopenings)", width=4, help="Of all on record."),
        stat("Chases 催单", "max(vrc_chases)", width=4, help="Of all on record."),
        stat("Open cases of dissatisfied customers 不满意待办",
             "sum(max by (owner) (vrc_follow_up_cases)) or vector(0)", width=4, steps=((None, GREEN), (1, YELLOW))),
        stat("Of these late 已逾期", "sum(max by (owner) (vrc_follow_up_cases_late)) or vector(0)", width=4,
             steps=NONE_IS_GOOD),
        Panel("bargauge", "Mean by tier 各等级平均", [
            ("sum by (tier) (max by (tier, impact, segment) (vrc_time_to_repair_seconds_sum))"
             " / (sum by (tier) (max by (tier, impact, segment) (vrc_time_to_repair_seconds_count)) > 0)", "{{tier}}"),
        ], unit="s", steps=((None, GREEN), (FIVE_HOURS, RED)), help="Of all on record."),
        Panel("bargauge", "Mean by segment 各段平均", [
            ("sum by (segment) (max by (tier, impact, segment) (vrc_time_to_repair_seconds_sum))"
             " / (sum by (segment) (max by (tier, impact, segment) (vrc_time_to_repair_seconds_count)) > 0)",
             "{{segment}}"),
        ], unit="s", steps=((None, GREEN), (FIVE_HOURS, RED)), help="Of all on record; empty: not known."),
        Panel("bargauge", "Response, mean by tier 各等级平均响应", [
            ("sum by (tier) (max by (tier, impact) (vrc_response_seconds_sum))"
             " / (sum by (tier) (max by (tier, impact) (vrc_response_seconds_count)) > 0)", "{{tier}}"),
        ], unit="s", help="Of all on record: report to first order accepted."),
        Panel("table", "Networks that hold orders longest, mean 持单最久的本地网", [
            ("topk(15, max by (network) (vrc_network_share_seconds_sum)"
             " / (max by (network) (vrc_network_share_seconds_count) > 0)) * on (network) group_left (name, province)"
             " max by (network, name, province) (vrc_network_info)", "{{name}} {{province}}"),
        ], unit="s", help="Of all on record."),
    ]),
    Row("Why it took so long; promises 原因与承诺", [
        Panel("bargauge", "Suspended time by reason 挂起时长", [
            ("max by (clock, reason) (vrc_suspended_seconds)", "{{clock}} {{reason}}"),
        ], unit="s", help="Of all on record. Pending stops the clock, held does not."),
        Panel("bargauge", "Promises kept 承诺兑现率", [
            ('sum by (promise) (max by (promise, tier) (vrc_promises{verdict="met"}))'
             " / (sum by (promise) (max by (promise, tier, verdict) (vrc_promises)) > 0)", "{{promise}}"),
        ], unit="percentunit", most=1, steps=SHARE, help="Of all on record: orders accepted, customer told, report."),
        Panel("bargauge", "Escalations by level 升级", [("max by (level) (vrc_escalations)", "{{level}}")],
              help="Of all on record."),
        Panel("bargauge", "Deadlines missed 超过的时限", [("max by (kind) (vrc_deadlines_missed)", "{{kind}}")],
              help="Of all on record."),
        Panel("bargauge", "What customers answered, by tier, 30 days 满意度", [
            ("max by (tier, answer) (vrc_satisfaction_tier_tickets) > 0", "{{tier}} {{answer}}"),
        ], width=12),
        Panel("bargauge", "Restorations beside what was predicted 预计恢复的准确度", [
            ("sum by (held) (max by (basis, held) (vrc_predicted_restorations))", "{{held}}"),
        ], width=12, help="Of the last year: before, within and after the range that was said first."),
    ]),
)  # fmt: skip


def dashboards() -> dict[str, str]:
    """By file name, the text of each."""
    found = (
        _dashboard("vrc-noc", "VRC: NOC", NOC, span="now-6h", refresh="15s"),
        _dashboard("vrc-management", "VRC: management", MANAGEMENT, span="now-30d", refresh="5m"),
    )
    return {f"{one['uid']}.json": json.dumps(one, ensure_ascii=False, indent=1) + "\n" for one in found}


def _dashboard(uid: str, title: str, rows: Sequence[Row], *, span: str, refresh: str) -> dict[str, Any]:
    return {
        "uid": uid,
        "title": title,
        "tags": ["vrc"],
        "schemaVersion": 39,
        "editable": False,
        "time": {"from": span, "to": "now"},
        "refresh": refresh,
        "timezone": "browser",
        "panels": [{"id": number, **panel} for number, panel in enumerate(_laid_out(rows), 1)],
    }


def _laid_out(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """From left to right, the next line begins below the highest of the line before."""
    y = 0
    for row in rows:
        yield {"type": "row", "title": row.title, "collapsed": False, "panels": [], "gridPos": _at(0, y, COLUMNS, 1)}
        x, y, height = 0, y + 1, 0
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y, height = 0, y + height, 0
            yield _panel(panel) | {"gridPos": _at(x, y, panel.width, panel.height)}
            x, height = x + panel.width, max(height, panel.height)
        y += height


def _at(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


def _panel(panel: Panel) -> dict[str, Any]:
    now = panel.kind != "timeseries"
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0}
    if panel.most is not None:
        defaults["max"] = panel.most
    if panel.steps:
        steps = [{"value": value, "color": color} for value, color in panel.steps]
        defaults |= {"thresholds": {"mode": "absolute", "steps": steps}, "color": {"mode": "thresholds"}}
    if not now:
        defaults |= {"color": {"mode": "palette-classic"}, "custom": {"fillOpacity": 10, "showPoints": "never"}}
    targets = [
        {"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": expr, "legendFormat": legend, "instant": now,
         "range": not now, "format": "table" if panel.kind == "table" else "time_series"}
        for place, (expr, legend) in enumerate(panel.queries)
    ]  # fmt: skip
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.help,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _options(panel.kind),
        "targets": targets,
    } | ({"transformations": [TIDY]} if panel.kind == "table" else {})


TIDY = {
    "id": "organize",
    "options": {"excludeByName": {"Time": True, "__name__": True, "alertstate": True, "le": True}},
}
"""What a table need not show."""


def _options(kind: Kind) -> dict[str, Any]:
    last = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    match kind:
        case "stat":
            return {"reduceOptions": last, "colorMode": "background", "graphMode": "none", "textMode": "value"}
        case "bargauge":
            return {"reduceOptions": last, "orientation": "horizontal", "displayMode": "basic"}
        case "timeseries":
            return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
        case "table":
            return {"showHeader": True}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in dashboards().items():
        (FOLDER / name).write_text(text)
