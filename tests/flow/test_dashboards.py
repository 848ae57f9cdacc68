"""Every panel of the dashboards is asked of a real Prometheus that scrapes the center: each is a query, and shows the
record."""

import re
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from shared.testing.clock import ManualClock
from shared.testing.receiver import Receiver
from tests.centers import Embedded, House, house
from tests.notifying import LOOPBACK
from tests.people import done
from tests.registry import KUNMING, NEAR, PLAIN, SHANGHAI, XIAN
from tests.rules import Query, panel_queries
from tests.waiting import until
from tests.watching import Series, Watch, watched

MINUTE, HOUR, DAY_S = timedelta(minutes=1), timedelta(hours=1), 86_400
LONG_AGO_S = (3600, 6 * 3600, DAY_S, 3 * DAY_S, 30 * DAY_S, 90 * DAY_S)
KEPT = {
    "vrc_repairs": "vrc:repairs:total",
    "vrc_time_to_repair_seconds_bucket": "vrc_time_to_repair_seconds_bucket",
    "vrc_network_time_to_repair_seconds_bucket": "vrc_network_time_to_repair_seconds_bucket",
}
NOT_HERE = re.compile("vrc_relay|vrc_subscriptions_in_trouble|vrc_predicted_restorations")
"""The embedded center has no relay; nobody is in trouble; nothing was foretold."""


def a_quarter_of_nothing(page: str, file: Path) -> Path:
    """What Prometheus would remember of a quarter in which nothing was repaired, where its rules look back."""
    samples = [s for family in text_string_to_metric_families(page) for s in family.samples if s.name in KEPT]
    lines = []
    for sample in samples:
        labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
        lines += [f"{KEPT[sample.name]}{{{labels}}} 0 {time.time() - ago - 60:.3f}" for ago in LONG_AGO_S]
    file.write_text("\n".join([*lines, "# EOF\n"]))
    return file


async def live(center: House, hook: str) -> None:
    """One repair in time with a pause, one too late with a chase and escalations; one is about to be late."""
    done(await center.customer.post("/v1/subscriptions", {"url": hook}))
    late = await center.accepted(PLAIN[0], SHANGHAI, XIAN)
    quick = await center.accepted(PLAIN[1], SHANGHAI, XIAN)
    await center.network(XIAN).suspend(quick, "no_site_access")
    center.clock.advance(HOUR)
    await center.network(XIAN).resume(quick)
    await center.network(XIAN).restore(quick, cause="fibre")
    await center.customer.confirm(quick)
    await center.all_heard()  # else hours go by before its customer is asked, as where the event was lost
    done(await center.customer.post(f"/v1/tickets/{late}/chase", {"text": "Where does it stay?"}))
    center.clock.advance(6 * HOUR)
    await center.network(SHANGHAI).progress(late, "diagnosed", segment="a-access")
    await center.network(SHANGHAI).restore(late)
    await center.accepted(NEAR, KUNMING)
    center.clock.advance(91 * MINUTE)
    await center.all_heard()


async def all_answered(watch: Watch, queries: Sequence[Query], answers: dict[Query, Sequence[Series]]) -> bool:
    """Asks what has had no answer with data in it yet: on a busy machine a scrape comes too late now and then."""
    for query in queries:
        if query not in answers and (found := await watch.ask(query.expr)):
            answers[query] = found
    return all(query in answers for query in queries if not NOT_HERE.search(query.expr))


async def test_every_panel_asks_what_prometheus_knows_and_shows_the_record(
    embedded_way: Embedded, clock: ManualClock, tmp_path: Path
) -> None:
    queries, more = list(panel_queries()), {"webhook_http": True, "webhook_networks": LOOPBACK}
    embedded_way.settings = embedded_way.settings.model_copy(update=more)
    async with Receiver() as customer, house(embedded_way, clock) as center:
        await live(center, customer.url)
        page = (await center.center.metrics.page()).decode()
        async with watched(center, customer.url, history=a_quarter_of_nothing(page, tmp_path / "past")) as watch:
            answers: dict[Query, Sequence[Series]] = {}
            await until(lambda: all_answered(watch, queries, answers), timeout_s=60)
    for query, found in answers.items():
        assert any(set(query.labels) <= series["metric"].keys() for series in found), query
    values = {query.expr: found[0]["value"][1] for query, found in answers.items()}
    assert values['vrc:attainment:ratio_30d{target="5h"}'] == "0.5"
    assert values["sum(max by (tier, status, impact) (vrc_open_tickets))"] == "2"
