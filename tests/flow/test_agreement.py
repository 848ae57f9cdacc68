"""A recorded history is replayed: API, statements, Prometheus, the table and a recount of the logs say the same."""

from services.commands.replay.history import read_history
from tests.agreement import by_each, by_metrics, by_sql
from tests.country import Country
from tests.flow.test_replay import FILE, play
from tests.waiting import until


async def test_all_that_shows_a_repair_says_the_same_to_the_millisecond(embedded_country: Country) -> None:
    await play(embedded_country, read_history(FILE), historic=True)
    found = await by_each(embedded_country.operator)
    recount = found["recount"]
    assert recount["repaired"] == 30
    assert recount["pending"] > 0
    assert found == {"api": recount, "statement": recount, "recount": recount}
    database = embedded_country.settings.sqlite_path
    await until(lambda: by_sql(database) == recount)
    assert by_metrics((await embedded_country.page()).decode()) == recount
