"""The statement's page in a real browser: it looks as it should, fetches nothing, and runs nothing of anybody's."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.contracts.vocabulary import Lang
from shared.statement.page import page
from tests.browser import Tab, browser
from tests.statements import everything, statement

TITLES: dict[Lang, str] = {"zh": "障碍处理对账单", "en": "Statement of a trouble ticket"}


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with browser(tmp_path) as running:
        yield running


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_page_shows_its_style_and_what_people_wrote_and_fetches_nothing(
    tab: Tab, tmp_path: Path, lang: Lang
) -> None:
    file = tmp_path / "statement.html"
    file.write_text(page(statement(everything()), lang), encoding="utf-8")
    await tab.open(file.as_uri())
    assert (tab.requests, tab.complaints) == ([file.as_uri()], [])
    assert await tab.value("getComputedStyle(document.body).backgroundColor") == "rgb(238, 241, 244)"
    assert await tab.value("document.querySelectorAll('img, script, link, iframe, a').length") == 0
    assert await tab.value("document.querySelector('h1').innerText") == TITLES[lang]
    assert "门锁了 & <img src=x>" in await tab.value("document.body.innerText")
    assert await tab.value("document.querySelectorAll('svg rect').length") == 10
    assert await tab.value("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"


async def test_script_that_got_into_the_page_would_not_run(tab: Tab, tmp_path: Path) -> None:
    """The second wall, if the escaping were ever wrong."""
    file = tmp_path / "statement.html"
    broken = page(statement(everything()), "en").replace(
        "</main>", "<script>document.title = 'owned'</script><img src='http://127.0.0.1:9/x'></main>"
    )
    file.write_text(broken, encoding="utf-8")
    await tab.open(file.as_uri())
    assert await tab.value("document.title") != "owned"
    assert len(tab.complaints) == 2


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_page_fits_a_telephone_with_every_figure_beside_its_name(tab: Tab, tmp_path: Path, lang: Lang) -> None:
    file = tmp_path / "statement.html"
    file.write_text(page(statement(everything()), lang), encoding="utf-8")
    await tab.send("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2, mobile=True)
    await tab.open(file.as_uri())
    assert await tab.value("[...document.querySelectorAll('main *')].every(one => one.scrollWidth <= innerWidth)")
    assert await tab.value("[...document.querySelectorAll('td:not(:empty)')].every(one => one.offsetWidth >= 80)")
    labels = "[...document.querySelectorAll('td')].every(one => one.dataset.label.length > 0)"
    assert await tab.value(labels)
