"""Simulated local networks repair what simulated customers report, over either door, and nobody is ordered twice."""

import asyncio
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from services.commands.demo.beside import simulated
from shared.settings import Settings
from shared.testing.kafka_door import GROUP
from shared.testing.simulation import Manner, Simulation
from tests.country import CIRCUITS, CREDENTIALS, Country, pass_over_old_orders
from tests.waiting import until

FAULTS = 15
PATIENCE_S = 90


async def simulate(country: Country, *, kafka: str | None = None) -> Simulation:
    """Some faults, from the first report until each ticket is over."""
    manner = Manner(rate=3000, speed=20_000, faults=FAULTS, kafka=kafka, seed=7)
    people = Simulation(country.url, CREDENTIALS.accounts, CREDENTIALS.networks, manner=manner)
    async with asyncio.timeout(PATIENCE_S):
        await people.run()
    return people


async def check_every_ticket(country: Country) -> None:
    tickets = await country.tickets()
    assert len(tickets) >= FAULTS
    assert {ticket["status"] for ticket in tickets} == {"closed"}
    for ticket in tickets:
        networks = [order["network"] for order in ticket["orders"]]
        assert len(networks) == len(set(networks))
        facts = Counter(await country.operator.facts(ticket["id"]))
        assert facts["ticket.restored"] == facts["ticket.reopened"] + 1
        assert facts["ticket.unroutable"] == 0


async def test_every_simulated_fault_is_repaired_over_http(embedded_country: Country) -> None:
    people = await simulate(embedded_country)
    await check_every_ticket(embedded_country)
    assert people.customers.opened == FAULTS


async def test_every_simulated_fault_is_repaired_over_kafka(production_country: Country) -> None:
    assert production_country.kafka is not None
    await pass_over_old_orders(production_country.kafka, GROUP)
    await simulate(production_country, kafka=production_country.kafka)
    await check_every_ticket(production_country)


async def test_order_of_a_replay_is_left_alone(embedded_country: Country) -> None:
    replayed = await embedded_country.operator.report("C-000", description="[replay] Incident INC1", reference="INC1")
    await simulate(embedded_country)
    ticket = await embedded_country.operator.ticket(replayed)
    assert (ticket["status"], {order["state"] for order in ticket["orders"]}) == ("acknowledged", {"issued"})


async def test_report_that_joined_a_ticket_of_somebody_elses_is_not_waited_for(embedded_country: Country) -> None:
    for number in range(0, CIRCUITS, 2):
        await embedded_country.operator.report(f"C-{number:03d}", description="[replay] Left alone")
    people = await simulate(embedded_country)
    assert people.customers.did["joined"]


async def test_center_with_a_demo_rate_brings_its_own_people(embedded_country: Country, tmp_path: Path) -> None:
    settings, port = Settings(demo_rate=3000), urlsplit(embedded_country.url).port
    assert port is not None
    async with simulated(settings, port, embedded_country.write_credentials(tmp_path)):
        await until(lambda: has_tickets(embedded_country))


async def test_center_without_a_demo_rate_is_alone(embedded_country: Country, tmp_path: Path) -> None:
    async with simulated(Settings(), 1, embedded_country.write_credentials(tmp_path)):
        assert not await embedded_country.tickets()


async def has_tickets(country: Country) -> bool:
    return bool(await country.tickets())
