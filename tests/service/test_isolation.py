"""Nobody sees or touches what is another's: every pair of 20 tenants × every operation × every kind of credential."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from ipaddress import ip_network
from itertools import pairwise, permutations, product

import httpx
import pytest

from shared.metrics import Metrics
from shared.testing.clock import ManualClock
from shared.testing.serve import serving
from shared.web.access import AccessLog
from shared.web.app import layered
from tests.centers import Embedded, House, house
from tests.people import Caller
from tests.probes import Watch, operations
from tests.registry import DALI
from tests.streams import reading
from tests.tenants import AT_WORK, Tenant, canaries, named, tenants

PROBES_AT_LEAST = 10_000


@pytest.fixture
async def town(embedded_way: Embedded, clock: ManualClock) -> AsyncIterator[House]:
    """A center that may post webhooks to this machine."""
    more = {"webhook_http": True, "webhook_networks": (ip_network("127.0.0.0/8"),)}
    embedded_way.settings = embedded_way.settings.model_copy(update=more)
    async with house(embedded_way, clock) as running:
        yield running


@pytest.fixture
async def people(town: House) -> AsyncIterator[list[Tenant]]:
    async with tenants(town) as found:
        yield found


async def test_no_tenant_sees_or_touches_what_is_anothers(town: House, people: list[Tenant]) -> None:
    before, watch = [await tenant.state() for tenant in people], Watch(people)
    for thief, victim in permutations(people, 2):
        for operation in operations(town):
            probe = operation.at(victim)
            answer = await probe.send(thief.customer)
            watch.heard(probe, answer, own=[thief])
            assert answer.status_code in operation.refusals("account"), f"{probe.text}: {answer.text}"
    assert watch.leaks == []
    assert watch.answers.total() >= PROBES_AT_LEAST
    assert [await tenant.state() for tenant in people] == before


@pytest.mark.parametrize("who", ["revoked", "nobody", "forged"])
async def test_without_a_valid_key_nothing_is_said_of_anybody(town: House, people: list[Tenant], who: str) -> None:
    watch = Watch(people)
    for victim in people:
        key = {"revoked": victim.revoked.key, "nobody": None, "forged": victim.key.key[:-1] + "-"}[who]
        for operation in operations(town):
            probe = operation.at(victim)
            watch.heard(probe, await probe.send(Caller(town.http, key)))
    assert set(watch.answers) == {401}
    assert watch.leaks == []


async def test_link_shows_its_ticket_and_nothing_else(town: House, people: list[Tenant]) -> None:
    before, watch = [await tenant.state() for tenant in people], Watch(people)
    for visited, victim in product(people, people):
        for operation in operations(town):
            probe = operation.at(victim)
            answer = await probe.send(visited.visitor)
            watch.heard(probe, answer)
            assert answer.status_code == 403, f"{probe.text}: {answer.text}"
    for visited in people:
        shown = await visited.visitor.get("/v1/track")
        assert (shown.status_code, named(shown.text, people)) == (200, {visited.ticket})
        assert canaries(shown.text) == set()
    assert watch.leaks == []
    assert [await tenant.state() for tenant in people] == before


@pytest.mark.parametrize("who", ["revoked", "forged", "another's signature", "expired"])
async def test_link_that_is_none_or_over_opens_nothing_and_says_the_same(
    town: House, clock: ManualClock, people: list[Tenant], who: str
) -> None:
    unknown = (await Caller(town.http, "vrt_live_000000000000_" + "0" * 32).get("/v1/track")).content
    if who == "expired":
        clock.advance(timedelta(days=3))
    for victim, other in pairwise(people):
        head, _, tail = victim.token.rpartition("_")
        token = {
            "revoked": victim.revoked_token, "forged": f"{head}_{'0' * len(tail)}", "expired": victim.token,
            "another's signature": f"{head}_{other.token.rpartition('_')[2]}",
        }[who]  # fmt: skip
        for operation in operations(town):
            assert (await operation.at(victim).send(Caller(town.http, token))).status_code == 401
        answers = [await Caller(town.http, token).get(path) for path in ("/v1/track", "/v1/track/stream")]
        assert [a.content.replace(b"/track/stream", b"/track") for a in answers] == [unknown, unknown]


async def test_network_that_was_not_ordered_knows_nothing_of_the_ticket(town: House, people: list[Tenant]) -> None:
    before, watch = [await tenant.state() for tenant in people], Watch(people)
    for victim in people:
        for operation in operations(town):
            probe = operation.at(victim)
            answer = await probe.send(town.network(DALI))
            watch.heard(probe, answer)
            assert answer.status_code in operation.refusals("network"), f"{probe.text}: {answer.text}"
    assert watch.leaks == []
    assert [await tenant.state() for tenant in people] == before


async def test_network_reads_of_the_tenants_it_was_ordered_for_only(town: House, people: list[Tenant]) -> None:
    for code in AT_WORK:
        mine = {tenant.number for tenant in people if code in tenant.networks}
        answer = await town.network(code).get(f"/v1/networks/{code}/orders", limit=200)
        assert canaries(answer.text) == mine


async def test_what_is_anothers_gets_the_same_bytes_as_what_does_not_exist(town: House, people: list[Tenant]) -> None:
    thief, victim = people[:2]
    for operation in operations(town):
        if "/{id}" in operation.path and "account" in operation.access.roles:
            theirs, nothing = operation.at(victim), operation.at_nothing(victim)
            answers = [await probe.send(thief.customer) for probe in (theirs, nothing)]
            assert len({(a.status_code, a.content.replace(p.path.encode(), b"")) for a, p in zip(
                answers, (theirs, nothing), strict=True)}) == 1, operation  # fmt: skip


async def test_webhooks_carry_their_owners_words_only(people: list[Tenant]) -> None:
    for tenant in people:
        await tenant.receiver.until(lambda tenant=tenant: tenant.canary in _received(tenant, "ticket.noted"))
        assert canaries(_received(tenant)) == {tenant.number}


async def test_streams_carry_their_owners_words_only(town: House, people: list[Tenant]) -> None:
    async with serving(town.center.app) as url, httpx.AsyncClient(base_url=url) as http:
        for tenant in people[:5]:
            written = len(await tenant.customer.log(tenant.ticket))
            async with reading(http, "/v1/stream", tenant.key.key, after="0") as stream:
                shown = await stream.take(written)
            assert canaries(str([s.data for s in shown])) == {tenant.number}
        town.center.end_streams()


async def test_logs_and_metrics_carry_nobodys_words(town: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    lines, requests = StringIO(), Metrics()
    access_log = AccessLog(lines)
    app = layered(town.center.api, metrics=requests, access_log=access_log)
    town.center = replace(town.center, app=app)
    async with tenants(town) as people:
        for tenant in people:
            await tenant.customer.cancel(tenant.ticket)
            await tenant.customer.post("/v1/faults", {"circuit": tenant.circuit, "description": tenant.canary})
        page = (await town.center.metrics.page() + await requests.page()).decode()
    access_log.flush()
    assert '"path":"/v1/faults"' in lines.getvalue()
    assert "vrc_http_requests_total" in page
    assert canaries(caplog.text + lines.getvalue() + page) == set()


def _received(tenant: Tenant, type: str = "") -> str:
    return " ".join(hook.body.decode() for hook in tenant.receiver.hooks if type in hook.body.decode())
