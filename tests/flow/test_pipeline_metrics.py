"""Prometheus sees a report go through, on either way to run the center: accepted, routed, published, none left."""

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.centers import House
from tests.registry import PLAIN, SHANGHAI, XIAN
from tests.rules import METRIC, panel_queries, rules, shown_by
from tests.waiting import until

CONSUMERS = "dispatcher", "dispatcher-measures", "notifier"
DOCUMENT = Path(__file__).parents[2] / "docs/architecture/metrics.md"


async def scraped(center: House) -> dict[tuple[str, ...], float]:
    """Name and label values → value, as of the last second."""
    families = text_string_to_metric_families((await center.center.metrics.page()).decode())
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


async def test_report_is_seen_on_its_way(any_center: House) -> None:
    await any_center.report(PLAIN[0], SHANGHAI, XIAN)

    async def is_through() -> bool:
        found = await scraped(any_center)
        return [found.get(("vrc_consumer_lag_events", name)) for name in CONSUMERS] == [0, 0, 0]

    await until(is_through)
    found = await scraped(any_center)
    assert (found["vrc_reports_total", "created"], found["vrc_orders_issued_total",]) == (1, 2)
    assert found.get(("vrc_relay_published_total",), 3) == 3
    assert found.get(("vrc_relay_age_seconds",), 0) == 0
    assert found["vrc_loop_silent_seconds", "dispatcher-events"] < 60


async def test_every_metric_is_documented(any_center: House) -> None:
    page = (await any_center.center.metrics.page()).decode()
    shown = set(re.findall(r"^# TYPE (\w+)", page, re.MULTILINE))
    assert sorted(shown - set(re.findall(r"`(vrc_\w+)", DOCUMENT.read_text()))) == []


async def test_every_metric_that_rules_and_dashboards_look_at_is_shown(production: House) -> None:
    expressions = [rule["expr"] for rule in rules()] + [query.expr for query in panel_queries()]
    named = {name for expr in expressions for name in METRIC.findall(expr)}
    assert named - shown_by((await production.center.metrics.page()).decode()) == set()
