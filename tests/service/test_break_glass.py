"""The break-glass account: made on purpose, used in an emergency, and never without a trace."""

import logging
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.cli import main
from shared.operators import break_glass
from tests.openid import Browser, Site
from tests.people import Json, done

PASSWORD = "correct horse battery staple"
PATH = "/v1/auth/break-glass"


async def make_account(site: Site) -> None:
    now, hash = site.clock.now(), break_glass.hashed(PASSWORD)
    await site.center.database.transact(lambda tx: break_glass.put_password(tx, hash, now))


async def open_with(browser: Browser, password: str, origin: str | None = "own") -> Json:
    return done(await browser.post(PATH, {"password": password}, csrf=None, origin=origin))


def metric(site: Site, outcome: str) -> float | None:
    return site.center.metrics.registry.get_sample_value("vrc_break_glass_uses_total", {"outcome": outcome})


async def test_password_gives_an_hour_with_the_duties_of_an_emergency(site: Site, browser: Browser) -> None:
    await make_account(site)
    who = await open_with(browser, PASSWORD)
    assert (who["subject"], who["duties"]) == ("break-glass", ["administrator", "duty_manager", "noc"])
    assert (await browser.get("/v1/noc/queue")).status_code == 200
    assert (await browser.post("/v1/auth/logout", csrf=who["csrf_token"])).status_code == 200
    assert (await browser.get("/v1/noc/queue")).status_code == 401


async def test_wrong_locked_and_absent_look_alike_from_outside(
    site: Site, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    answers = [(await browser.post(PATH, {"password": PASSWORD}, csrf=None)).content]
    await make_account(site)
    answers += [(await browser.post(PATH, {"password": "wrong"}, csrf=None)).content for _ in range(5)]
    answers += [(await browser.post(PATH, {"password": PASSWORD}, csrf=None)).content]
    assert len(set(answers)) == 1
    assert b'"status":401' in answers[0]
    assert [metric(site, outcome) for outcome in ("absent", "wrong", "locked", "opened")] == [1, 5, 1, None]
    said = [record for record in caplog.records if "BREAK-GLASS" in record.message]
    assert [record.levelno for record in said] == [logging.WARNING] * 7
    assert "from 127.0.0.1: locked" in said[-1].message


async def test_page_of_another_site_can_not_use_it(site: Site, browser: Browser) -> None:
    await make_account(site)
    answer = await browser.post(PATH, {"password": PASSWORD}, csrf=None, origin="https://evil.test")
    assert answer.status_code == 403
    assert (await open_with(browser, PASSWORD, origin=None))["subject"] == "break-glass"


async def test_provider_can_not_name_anybody_break_glass(browser: Browser) -> None:
    answer = await browser.sign_in("break-glass")
    assert (answer.status_code, "can't take" in answer.json()["detail"]) == (401, True)


@pytest.mark.parametrize("body", [{}, {"password": ""}, {"password": 1}, {"password": "x" * 201}, {"user": "root"}])
async def test_what_is_no_password_is_not_tried(site: Site, browser: Browser, body: Json) -> None:
    assert (await browser.post(PATH, body, csrf=None)).status_code == 422
    assert metric(site, "absent") is None


def run(folder: Path, *arguments: str, typed: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(main, ["break-glass", *arguments, "--data-dir", str(folder)], input=typed)
    return done.exit_code, done.output


def test_command_makes_the_account_changes_it_and_takes_it_away(sqlite_path: Path) -> None:
    folder = sqlite_path.parent
    assert run(folder, "remove")[0] == 1
    for _ in range(2):
        code, output = run(folder, "set", typed=f"{PASSWORD}\n{PASSWORD}\n")
        assert (code, PASSWORD in output) == (0, False)
    assert run(folder, "remove")[0] == 0
    assert run(folder, "remove")[0] == 1


@pytest.mark.parametrize(
    "typed", ["fifteen letters\n" * 2, f"{PASSWORD}\n{PASSWORD}x\n", f"{'x' * 201}\n" * 2, f"{PASSWORD}\x17\n" * 2]
)
def test_command_takes_no_short_or_mistyped_password(sqlite_path: Path, typed: str) -> None:
    assert run(sqlite_path.parent, "set", typed=typed)[0] == 1
    assert run(sqlite_path.parent, "remove")[0] == 1
