"""A recorded history, simulated in memory, gives the figures that a center gives to which it was replayed."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from services.commands.replay.history import History, read_history
from services.commands.simulate.arms import Arm, befall
from services.commands.simulate.recorded import recorded
from services.commands.simulate.tally import Tally
from services.dispatcher.measures.measure import Measure
from shared.registry.files.whole import RegistryFiles
from shared.testing.client import CenterClient
from tests import registry
from tests.country import ACCOUNTS, CREDENTIALS, Country, circuits
from tests.flow.test_replay import FILE, play

FILES = RegistryFiles(ACCOUNTS, registry.NETWORKS, list(circuits()))
FOR_EVER = 2**60


class Last(Tally):
    measure: Measure | None = None

    def over(self, m: Measure) -> None:
        self.measure = m


def simulated(history: History) -> dict[str, int | None]:
    """Incident → time to repair, each alone."""
    found = {}
    for incident in history.incidents:
        tally = Last()
        alone = recorded(replace(history, incidents=[incident]), FILES.circuits)
        befall(alone, FILES, Arm(), until=FOR_EVER, tally=tally)
        found[incident.number] = tally.measure.time_to_repair if tally.measure else None
    return found


@pytest.fixture
async def client(embedded_country: Country) -> AsyncIterator[CenterClient]:
    async with CenterClient(embedded_country.url) as client:
        yield client


async def test_simulation_agrees_with_the_center_to_the_millisecond(
    embedded_country: Country, client: CenterClient
) -> None:
    """But for those that were reopened: a center records when it was told so, and that is today."""
    history = read_history(FILE)
    await play(embedded_country, history, historic=True)
    tickets = [ticket async for ticket in client.items("/v1/tickets", CREDENTIALS.operator, limit=200)]
    held = {t["reference"]: t["id"] for t in tickets if not t["reopened"]}
    found = {}
    for incident, id in held.items():
        answer = await client.get(f"/v1/tickets/{id}/sla", CREDENTIALS.operator)
        found[incident] = answer.body["time_to_repair_ms"]
    assert len(found) > 20
    assert found == {incident: took for incident, took in simulated(history).items() if incident in held}
