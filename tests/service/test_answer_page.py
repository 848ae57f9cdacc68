"""The page behind the link in a message, in a real browser: it fits a telephone, and a press of its button answers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.testing.serve import serving
from tests.browser import Tab, browser
from tests.centers import House
from tests.flow.test_until_satisfied import cases, closed
from tests.service.test_answer_link import PATH, link


@pytest.fixture
async def tab(embedded: House, tmp_path: Path) -> AsyncIterator[Tab]:
    """It shows the question of a closed ticket, on a small telephone."""
    ticket = await closed(embedded)
    async with serving(embedded.center.app) as url, browser(tmp_path) as running:
        size = {"width": 320, "height": 640, "deviceScaleFactor": 2, "mobile": True}
        await running.send("Emulation.setDeviceMetricsOverride", **size)
        await running.open(f"{url}{PATH}?token={link(embedded, ticket)}")
        yield running


async def test_page_fits_a_telephone_and_says_what_each_field_is_for(tab: Tab) -> None:
    inside = (
        "[...document.querySelectorAll('main *')].every(one => one.getBoundingClientRect().right <= innerWidth - 8)"
    )
    assert await tab.value(inside), "nothing sticks out of the card"
    assert (
        await tab.value("document.querySelector('textarea').labels[0].innerText") == "意见（可不填） Comment (optional)"
    )
    assert await tab.value("[...document.querySelectorAll('button')].every(one => one.offsetHeight >= 44)")
    assert await tab.value("getComputedStyle(document.body).backgroundColor") == "rgb(238, 241, 244)"
    assert tab.complaints == []


async def test_press_of_a_button_answers(tab: Tab, embedded: House) -> None:
    await tab.value("document.querySelector('textarea').value = '三天'")
    await tab.press("[value=no]")
    assert "A case is open" in await tab.value("document.body.innerText")
    (ticket,) = await cases(embedded)
    entry = [e for e in await embedded.customer.log(ticket) if e["type"] == "ticket.satisfaction_answered"][-1]
    assert (entry["data"]["satisfied"], entry["data"]["comment"]) == (False, "三天")
    assert tab.complaints == []
