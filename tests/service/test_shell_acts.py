"""What is done from a command line stands in the audit trail under the system's own user, with the host."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from services.cli import main
from services.run import open_database
from shared.audit import store
from shared.audit.reading import act_view
from shared.audit.shell import at_shell
from shared.registry.writing import put
from shared.settings import Settings
from tests.cases import SEED
from tests.registry import ACCOUNTS, BANK, GRID

SCHEME = Path(__file__).parents[2] / "deploy/config/tiers/monthly.toml"
ENTRY = "account: {id: new-bank, name_zh: 新行, name_en: New Bank, sector: finance, tier: gold}\n"


@pytest.fixture
async def settings(sqlite_path: Path) -> Settings:
    """Of a center with the tests' accounts."""
    settings = Settings(data_dir=sqlite_path.parent)
    database = open_database(settings)
    await database.transact(lambda tx: put(tx, ACCOUNTS, (), (), by=SEED))
    await database.close()
    return settings


async def run(settings: Settings, *arguments: str, **how: Any) -> Result:
    whole = [*arguments, "--data-dir", str(settings.data_dir)]
    done = await asyncio.to_thread(CliRunner().invoke, main, whole, env={"LOGNAME": "somebody-else"}, **how)
    assert done.exit_code == 0, done.output
    return done


async def last_acts(settings: Settings, most: int) -> list[tuple[str, str, str]]:
    """Action, actor and address, newest first."""
    database = open_database(settings)
    try:
        rows = await store.newest(
            database, before=None, actor=None, action=None, object=None, since_ms=None, until_ms=None, most=most
        )
    finally:
        await database.close()
    return [(act["action"], act["actor"], act["address"]) for act in map(act_view, rows)]


async def test_import_is_recorded_as_the_systems_user_from_this_host(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "new.yaml").write_text(ENTRY, encoding="utf-8")
    await run(settings, "registry", "import", str(tmp_path / "new.yaml"))
    assert await last_acts(settings, 1) == [("registry.changed", at_shell().actor, socket.gethostname())]


async def test_keys_of_who_is_not_named_in_an_import_with_removal_end(settings: Settings, tmp_path: Path) -> None:
    issued = await run(settings, "keys", "issue", "--account", BANK, "--scope", "tickets:read")
    (tmp_path / "accounts.csv").write_text(
        f"id,name_zh,name_en,sector,tier\n{GRID},华网电力,Huawang Power,other,diamond\n", encoding="utf-8"
    )
    await run(settings, "registry", "import", str(tmp_path), "--remove")
    who = at_shell().actor, socket.gethostname()
    assert await last_acts(settings, 2) == [("registry.changed", *who), ("key.revoked", *who)]
    assert "revoked" in (await run(settings, "keys", "list", "--subject", BANK, "--all")).stdout
    assert issued.stdout.startswith("vrc_")


async def test_tiers_review_is_recorded_as_the_systems_user_from_this_host(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "spend.csv").write_text(f"account,spend\n{BANK},600000\n")
    files = ["--scheme", str(SCHEME), "--spend", str(tmp_path / "spend.csv")]
    await run(settings, "tier", "review", *files, "--yes")
    who = at_shell().actor, socket.gethostname()
    assert await last_acts(settings, 2) == [("tier.changed", *who), ("registry.changed", *who)]


async def test_making_and_removing_the_break_glass_account_is_recorded(settings: Settings) -> None:
    password = "seventeen sealed letters"
    await run(settings, "break-glass", "set", input=f"{password}\n{password}\n")
    await run(settings, "break-glass", "remove")
    who = at_shell().actor, socket.gethostname()
    assert await last_acts(settings, 2) == [("breakglass.removed", *who), ("breakglass.set", *who)]
