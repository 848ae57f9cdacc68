"""A recorded history is replayed: API, statements, reports, Prometheus, the table and a recount say the same."""

import asyncio
from datetime import timedelta
from pathlib import Path

from click.testing import CliRunner

from services.cli import main
from services.commands.replay.history import read_history
from tests.agreement import by_each, by_metrics, by_report, by_sql
from tests.centers import House
from tests.country import Country
from tests.flow.test_replay import FILE, play
from tests.registry import BEIJING, CHUXIONG, FAR
from tests.waiting import until

ALL_TIME = ["--from", "2000-01-01", "--to", "2099-12-31"]


async def test_all_that_shows_a_repair_says_the_same_to_the_millisecond(
    embedded_country: Country, tmp_path: Path
) -> None:
    await play(embedded_country, read_history(FILE), historic=True)
    found = await by_each(embedded_country.operator)
    recount = found["recount"]
    assert recount["repaired"] == 30
    assert recount["pending"] > 0
    assert found == {"api": recount, "statement": recount, "recount": recount}
    database = embedded_country.settings.sqlite_path
    await until(lambda: by_sql(database) == recount)
    assert by_metrics((await embedded_country.page()).decode()) == recount
    reported = await by_report(embedded_country.operator)
    assert reported == {name: recount[name] for name in reported}
    center = ["--url", embedded_country.url, "--credentials", str(embedded_country.write_credentials(tmp_path))]
    arguments = ["report", "attainment", "--by", "province", *ALL_TIME, *center]
    *_, total = (await asyncio.to_thread(CliRunner().invoke, main, arguments)).output.splitlines()
    shares = [f"{recount[within] / 30 * 100:.2f} %" for within in ("within_5h", "within_2h")]
    assert total.split("  ")[0] == "all"
    assert [part.strip() for part in total.split("  ") if part.strip()][1:4] == ["30", *shares]


async def test_pause_that_is_on_is_compared_up_to_the_last_entry(embedded: House) -> None:
    ticket = await embedded.accepted(FAR, CHUXIONG, BEIJING)
    embedded.clock.advance(timedelta(minutes=5))
    at = (embedded.clock.now() - timedelta(minutes=2)).isoformat()
    await embedded.network(CHUXIONG).suspend(ticket, "customer_power", occurred_at=at)
    embedded.clock.advance(timedelta(minutes=3))
    found = await by_each(embedded.operator)
    assert found == dict.fromkeys(found, found["recount"])
    assert found["recount"]["pending"] == 2 * 60_000
