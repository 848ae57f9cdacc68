"""What a ticket is promised at its opening, by the policy's rules and the account's contract; `vrc policy check`."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from services.cli import main
from services.run import BadSettings, center
from shared.db.port import Tx
from shared.registry.model import Account, Contract
from shared.registry.writing import put
from shared.settings import Settings
from shared.testing.clock import ManualClock
from shared.tickets.policy_file import DEFAULT, read_policies
from tests.cases import SEED
from tests.centers import Embedded, House, house
from tests.registry import ACCOUNTS, FAR, GRID, NEAR, PLAIN

HOUR_MS = 3_600_000
RULES = """
[[rules]]
name = "kunming"
networks = ["0871"]
restore_hours = 3

[[rules]]
name = "premium"
service_levels = ["premium"]
restore_hours = 1
calendar = "office"

[calendars.office]
time_zone = "Asia/Shanghai"
holidays = "china"
hours = { mon-fri = ["08:30-17:30"] }
"""


@pytest.fixture
async def promising(embedded_way: Embedded, clock: ManualClock, tmp_path: Path) -> AsyncIterator[House]:
    """A center with a rule for whatever ends in Kunming, and one for a contract's service level."""
    file = tmp_path / "sla.toml"
    file.write_text(DEFAULT.read_text() + RULES)
    embedded_way.settings = embedded_way.settings.model_copy(update={"sla_policy": file})
    async with house(embedded_way, clock) as running:
        yield running


async def terms_of(center: House, circuit: str) -> dict[str, Any]:
    found: dict[str, Any] = (await center.customer.log(await center.customer.report(circuit)))[0]["data"]["terms"]
    return found


async def agree(center: House, **contract: Any) -> None:
    account: Account = next(a for a in ACCOUNTS if a.id == GRID)

    async def write(tx: Tx) -> None:
        await put(tx, [replace(account, contract=Contract(**contract))], [], [], by=SEED)

    await center.center.database.transact(write)
    await center.center.follower.refresh()


async def test_rule_by_network_holds_for_the_circuits_that_end_there(promising: House) -> None:
    near, far = [await terms_of(promising, circuit) for circuit in (NEAR, FAR)]
    assert (near["restore_ms"], near["rule"]) == (3 * HOUR_MS, "diamond/down+kunming:restore")
    assert (far["restore_ms"], far["rule"]) == (2 * HOUR_MS, "diamond/down")


async def test_contracts_time_out_of_the_confirmation_goes_into_the_terms(any_center: House) -> None:
    before = await terms_of(any_center, PLAIN[0])
    await agree(any_center, confirmation_timeout_h=5)
    after = await terms_of(any_center, PLAIN[1])
    await agree(any_center)
    again = await terms_of(any_center, PLAIN[2])
    assert [t["confirm_ms"] // HOUR_MS for t in (before, after, again)] == [72, 5, 72]
    assert after["rule"] == "diamond/down+contract:confirm"


async def test_contracts_service_level_chooses_a_rule_and_its_hours_are_written_into_the_ticket(
    promising: House,
) -> None:
    await agree(promising, service_level="premium")
    terms = await terms_of(promising, PLAIN[0])
    assert (terms["restore_ms"], terms["calendar"]) == (HOUR_MS, "office")
    assert all(opens < closes for opens, closes in terms["hours"])


async def test_customer_reads_which_rule_gave_which_target_and_what_else_was_met(promising: House) -> None:
    ticket = await promising.customer.report(NEAR)
    found = (await promising.customer.get(f"/v1/tickets/{ticket}/terms")).json()
    given = {target["target"]: target["by"] for target in found["targets"]}
    assert (given["restore"], given["accept"]) == ("kunming", "diamond/down")
    assert found["rules"] == [
        {"name": "kunming", "met_by": {"networks": ["0871"]}, "gives": {"restore": 3 * HOUR_MS}, "holds": ["restore"]}
    ]
    assert (found["policy"], found["now"], [step["seq"] for step in found["steps"]]) == ("2026-1", {}, [1])


async def test_center_with_a_faulty_policy_does_not_start_and_says_where(tmp_path: Path) -> None:
    file = tmp_path / "sla.toml"
    file.write_text(DEFAULT.read_text().replace("= 15", "= 0", 1))
    with pytest.raises(BadSettings, match=r"sla_policy: .*sla\.toml, line 22: tiers\.diamond\.accept_minutes"):
        async with center(Settings(data_dir=tmp_path, sla_policy=file)):
            pass


def check(path: Path) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["policy", "check", str(path)])
    return result.exit_code, result.output


def test_check_says_what_is_wrong_by_line_or_what_the_policy_is(tmp_path: Path) -> None:
    file = tmp_path / "sla.toml"
    file.write_text(DEFAULT.read_text() + RULES)
    code, said = check(file)
    assert code == 0
    assert said.startswith("version 2026-1: 6 tiers, 2 rules, calendars: office, valid since ever, valid now")
    file.write_text(DEFAULT.read_text() + RULES.replace('"office"', '"ofice"'))
    code, said = check(file)
    assert code == 1
    assert "rules.1.calendar: there is no calendar ofice" in said


def test_check_warns_of_holidays_nobody_has_written_down(tmp_path: Path) -> None:
    file = tmp_path / "sla.toml"
    file.write_text(DEFAULT.read_text() + RULES)
    policies = read_policies(file)
    assert policies.remarks(datetime(2026, 9, 1, tzinfo=UTC)) == []
    assert policies.remarks(datetime(2026, 11, 1, tzinfo=UTC)) == [
        "version 2026-1, calendar office: the holidays of 2027 are not known: they count as time"
    ]
