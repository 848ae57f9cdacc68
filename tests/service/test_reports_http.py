"""Reports over HTTP: who reads what of whom, JSON and CSV, and what is refused by name."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qsl

from shared.ids import AccountId
from shared.registry.model import Account, Contract
from shared.registry.writing import Author, put
from shared.testing.clock import START, ManualClock
from tests.centers import House
from tests.keys import issued, save
from tests.people import Caller, Customer, Json, done
from tests.registry import ACCOUNTS, BEIJING, GRID, OTHERS, PLAIN, SHANGHAI, XIAN
from tests.waiting import until

REPORTS = ("attainment", "repeats", "worst", "compensation")
NONSENSE = {
    "attainment?by=tier,month,cause": "by",
    "attainment?by=password": "by",
    "attainment?from=2026-02-30": "from",
    "attainment?from=2026-11-02&to=2026-11-02": "to",
    "repeats?days=0": "days",
    "worst?of=planet": "of",
    "worst?of=network&account=hw-power": "account",
    "compensation?by=network": "by",
    "attainment?format=pdf": "format",
}
GROUP = AccountId("huawang-group")


async def two_repairs(center: House, clock: ManualClock) -> None:
    """One of the grid's, in three hours, one of the bank's, in six; measured."""
    ours = await center.accepted(PLAIN[0], SHANGHAI, XIAN)
    theirs = await center.bank.report(OTHERS[0])
    await center.ordered(theirs, BEIJING, SHANGHAI)
    clock.advance(timedelta(hours=3))
    await center.network(XIAN).restore(ours, cause="fibre", remedy_code="spliced")
    clock.advance(timedelta(hours=3))
    done(await center.network(BEIJING).say("accept", theirs))
    await center.network(BEIJING).restore(theirs)

    async def are_measured() -> bool:
        total = (await report(center.operator))["total"]
        return total is not None and total["tickets"] == 2

    await until(are_measured)


async def report(caller: Caller, name: str = "attainment", **query: str) -> Json:
    return done(await caller.get(f"/v1/reports/{name}", **query))


async def test_choice_that_there_is_not_is_answered_with_what_there_is(embedded: House) -> None:
    (error,) = (await embedded.operator.get("/v1/reports/attainment", by="nope")).json()["errors"]
    assert (error["field"], error["message"][:40]) == ("query:by", "must be at most two of account, tier, ne")
    for day in ("1.11.2026", "2026-1-1", "1999-12-31", ""):
        (error,) = (await embedded.operator.get("/v1/reports/worst", to=day)).json()["errors"]
        assert (error["field"], error["message"][:33]) == ("query:to", "must be a day such as 2026-11-01,")


async def test_everybody_reads_of_those_it_may_and_a_parent_of_its_children(
    any_center: House, clock: ManualClock
) -> None:
    await two_repairs(any_center, clock)
    group, child = Account(GROUP, "华网集团", "Huawang Group", "other", "gold"), ACCOUNTS[0]
    child = replace(child, parent=GROUP, contract=Contract(parent_may_read=True))
    key, by = issued("account", GROUP), Author("operator:noc", START)
    await any_center.center.database.transact(lambda tx: save(tx, [key]))
    await any_center.center.database.transact(lambda tx: put(tx, [group, child], (), (), by=by))
    await any_center.center.follower.refresh()
    for caller, of in ((any_center.customer, 1), (Customer(any_center.http, key.key), 1), (any_center.operator, 2)):
        found = await report(caller, by="account")
        assert [line["account"] for line in found["items"]] == (["beiyuan-bank", "hw-power"] if of == 2 else [GRID])
        assert found["total"]["tickets"] == of
    assert (await report(any_center.bank, account=GRID))["total"] is None
    await any_center.center.database.transact(lambda tx: put(tx, [ACCOUNTS[0]], (), (), by=by))


async def test_every_report_is_json_and_csv_of_the_same_lines(embedded: House, clock: ManualClock) -> None:
    await two_repairs(embedded, clock)
    for name in REPORTS:
        told = await report(embedded.operator, name)
        answer = await embedded.operator.get(f"/v1/reports/{name}", format="csv")
        assert answer.headers["content-type"].startswith("text/csv")
        lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
        assert len(lines) == len(told["items"]) > 0 or name == "repeats"
        for line, item in zip(lines, told["items"], strict=True):
            assert {column: read(line[column], item[column]) for column in item} == item
    acts = await embedded.operator.items("/v1/audit", action="export.made")
    assert {act["object"] for act in acts} == {f"report:{name}" for name in REPORTS}


async def test_csv_has_the_same_columns_when_there_is_nothing_to_tell(embedded: House, clock: ManualClock) -> None:
    await two_repairs(embedded, clock)
    asked = [("worst", {"of": of}) for of in ("network", "circuit", "account")]
    asked += [("compensation", {"by": by}) for by in ("account", "circuit", "ticket")]
    for name, query in asked:
        days: Sequence[dict[str, str]] = ({}, {"from": "2026-01-01", "to": "2026-02-01"})
        texts = [
            (await embedded.operator.get(f"/v1/reports/{name}", format="csv", **query, **day)).text for day in days
        ]
        full, empty = (list(csv.reader(io.StringIO(text, newline=""))) for text in texts)
        assert (full[0], len(empty)) == (empty[0], 1)
        assert len(full) > 1, name


def read(cell: str, like: object) -> object:
    """A cell as the value it was written from."""
    return None if like is None and not cell else type(like)(cell)  # type: ignore[call-arg]


async def test_figures_targets_and_the_way_to_what_customers_said(embedded: House, clock: ManualClock) -> None:
    await two_repairs(embedded, clock)
    found = await report(embedded.operator, by="tier")
    by_tier = {line["tier"]: (line["within_5h_percent"], line["within_2h_percent"]) for line in found["items"]}
    assert by_tier == {"diamond": (100.0, 0.0), "jade": (0.0, 0.0)}
    assert found["total"]["kept_percent"] == 0.0
    said = done(await embedded.operator.send("GET", found["satisfaction"]))
    assert (said["since"], said["items"]) == ("2026-10-31T16:00:00.000Z", [])
    assert (await report(embedded.customer))["satisfaction"] is None


async def test_breach_costs_the_same_whatever_day_the_report_begins_with(embedded: House, clock: ManualClock) -> None:
    for _ in range(2):
        ticket = await embedded.accepted(PLAIN[0], SHANGHAI, XIAN)
        clock.advance(timedelta(hours=28))
        await embedded.network(XIAN).restore(ticket)
        await embedded.customer.confirm(ticket)

    async def percents(since: str) -> list[int]:
        lines = (await report(embedded.operator, "compensation", by="ticket", **{"from": since}))["items"]
        return sorted(line["percent"] for line in lines)

    async def are_measured() -> bool:
        return len(await percents("2026-11-01")) == 2

    await until(are_measured)
    assert await percents("2026-11-01") == [0, 50]  # 50 % are the most that a circuit's month can cost
    assert await percents("2026-11-23") == [0]


async def test_what_makes_no_sense_is_refused_by_its_name(embedded: House) -> None:
    for query, field in NONSENSE.items():
        name, _, asked = query.partition("?")
        answer = await embedded.operator.get(f"/v1/reports/{name}", **dict(parse_qsl(asked)))
        assert answer.status_code == 422, query
        assert [error["field"] for error in answer.json()["errors"]] == [f"query:{field}"], query


async def test_networks_are_compared_for_operators_and_reports_are_no_networks_to_read(embedded: House) -> None:
    assert (await embedded.customer.get("/v1/reports/worst", of="network")).status_code == 403
    for name in REPORTS:
        assert (await embedded.network(XIAN).get(f"/v1/reports/{name}")).status_code == 403
