"""`vrc policy explain` on the terminal: what one ticket was promised, by which rule, and what has changed since."""

import asyncio
from pathlib import Path

from click.testing import CliRunner, Result

from services.cli import main
from tests.country import Country

CIRCUIT = "C-001"


async def run(country: Country, folder: Path, *arguments: str) -> Result:
    center = ["--url", country.url, "--credentials", str(country.write_credentials(folder))]
    return await asyncio.to_thread(CliRunner().invoke, main, [*arguments, *center])


async def test_explain_says_what_holds_by_which_rule_and_what_changed(
    embedded_country: Country, tmp_path: Path
) -> None:
    fault = await run(embedded_country, tmp_path, "fault", CIRCUIT, "--description", "No light", "--impact", "degraded")
    ticket = fault.output.split()[0]
    await run(embedded_country, tmp_path, "fault", CIRCUIT, "--description", "Dark", "--impact", "down")
    said = (await run(embedded_country, tmp_path, "policy", "explain", ticket)).output
    tier = said.split()[2].rstrip(",")
    assert said.startswith(f"{ticket}  tier {tier}, down, policy 2026-1\n")
    assert f"by {tier}/down" in said
    assert "impact degraded → down; restore " in said
    assert said.rstrip().endswith("(reported again, and worse: down)")


async def test_unknown_ticket_is_said(embedded_country: Country, tmp_path: Path) -> None:
    result = await run(embedded_country, tmp_path, "policy", "explain", "VT000101-00000000")
    assert (result.exit_code, result.output) == (1, "Error: VT000101-00000000: the center answered 404.\n")
