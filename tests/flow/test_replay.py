"""A recorded incident history, replayed against a running center, ends the same every time and everywhere."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.commands.replay.history import History, read_history
from services.commands.replay.runner import Manner, Stopped, replay
from services.commands.replay.tally import Tally
from shared.testing.client import CenterClient
from tests.country import CREDENTIALS, Country
from tests.waiting import until

FILE = Path(__file__).parents[1] / "data" / "incidents-30.csv"
OUT_OF_ORDER = "New after the ticket was restored"


@pytest.fixture
def history() -> History:
    return read_history(FILE)


@pytest.fixture
def few(history: History) -> History:
    """The first incidents of it."""
    incidents = history.incidents[:6]
    return replace(history, incidents=incidents, rows=sum(len(incident.rows) for incident in incidents))


async def play(
    country: Country, history: History, *, tally: Tally | None = None, stop: asyncio.Event | None = None, **manner: Any
) -> Sequence[dict[str, Any]]:
    """Each incident's ticket at the end, as the replay writes it."""
    async with CenterClient(country.url) as client:
        ended = await replay(
            history, CREDENTIALS, client=client, manner=Manner(**manner), tally=tally or Tally(),
            stop=stop or asyncio.Event(),
        )  # fmt: skip
    return [end.line() for end in ended]


async def test_every_incident_ends_as_its_last_row_says(embedded_country: Country, history: History) -> None:
    ended = await play(embedded_country, history)
    assert [(line["incident"], line["status"]) for line in ended] == [
        (number, "closed") for number in sorted(incident.number for incident in history.incidents)
    ]


async def test_every_row_is_counted_once(embedded_country: Country, history: History) -> None:
    tally = Tally()
    await play(embedded_country, history, tally=tally)
    assert tally.seen == tally.rows == history.rows
    assert tally.unmapped == {OUT_OF_ORDER: 1}
    assert tally.steps["report"] == 30


async def test_log_tells_what_the_rows_told(embedded_country: Country, history: History) -> None:
    ended = {line["incident"]: line for line in await play(embedded_country, history)}
    facts = Counter(ended["INC0000715"]["log"])
    assert (ended["INC0000715"]["reopened"], facts["ticket.reopened"], facts["ticket.restored"]) == (2, 2, 3)
    assert Counter(ended["INC0001401"]["log"])["ticket.suspended"] == 3


async def test_replay_run_again_changes_nothing(embedded_country: Country, few: History) -> None:
    first = await play(embedded_country, few)
    tally = Tally()
    assert await play(embedded_country, few, tally=tally) == first
    assert tally.repeated == tally.steps.total()


async def test_interrupted_replay_goes_on_where_it_stopped(embedded_country: Country, few: History) -> None:
    tally, stop = Tally(), asyncio.Event()
    playing = asyncio.create_task(play(embedded_country, few, tally=tally, stop=stop))
    await until(lambda: tally.seen > 15)
    stop.set()
    with pytest.raises(Stopped):
        await playing
    again = Tally()
    ended = await play(embedded_country, few, tally=again)
    assert 0 < again.repeated < again.steps.total()
    assert {line["status"] for line in ended} == {"closed"}
    assert len(await embedded_country.tickets()) == len(few.incidents)


async def test_another_name_replays_anew(embedded_country: Country, few: History) -> None:
    await play(embedded_country, few)
    tally = Tally()
    await play(embedded_country, few, tally=tally, name="second")
    assert (tally.repeated, len(await embedded_country.tickets())) == (0, 2 * len(few.incidents))


async def test_historic_replay_keeps_the_instants_of_the_file(embedded_country: Country, few: History) -> None:
    await play(embedded_country, few, historic=True)
    (ticket,) = [t for t in await embedded_country.tickets() if t["reference"] == "INC0000045"]
    assert (ticket["reported_at"], ticket["restored_at"]) == ("2016-02-29T01:16:00.000Z", "2016-02-29T08:53:00.000Z")


async def test_circuit_with_a_foreign_open_ticket_is_not_played_on(embedded_country: Country, few: History) -> None:
    ended = await play(embedded_country, few)
    await embedded_country.operator.report(ended[0]["circuit"])
    tally = Tally()
    again = await play(embedded_country, few, tally=tally, name="second")
    assert [line["incident"] for line in again] == [line["incident"] for line in ended[1:]]
    assert tally.unmapped["the circuit has an open ticket of somebody else's"] > 0


async def test_rows_are_played_at_their_own_distance(embedded_country: Country, few: History) -> None:
    two_rows = replace(few.incidents[0], rows=few.incidents[0].rows[:2])
    hours_apart = two_rows.rows[1].at - two_rows.rows[0].at
    began = asyncio.get_running_loop().time()
    await play(embedded_country, replace(few, incidents=[two_rows]), speed=hours_apart.total_seconds() / 0.5)
    assert asyncio.get_running_loop().time() - began >= 0.5


async def test_both_ways_to_run_the_center_end_the_same(
    embedded_country: Country, production_country: Country, history: History
) -> None:
    embedded, production = await asyncio.gather(play(embedded_country, history), play(production_country, history))
    assert embedded == production
