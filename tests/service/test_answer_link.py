"""The page behind the link in a message: it shows one question, and only its button answers."""

import pytest

from services.run import open_secrets
from shared import answer_link
from shared.clock import to_ms
from tests.centers import House
from tests.flow.test_until_satisfied import cases, closed
from tests.people import done

PATH = "/v1/satisfaction"
HOUR_MS = 3_600_000


def link(center: House, ticket: str, *, lasts_ms: int = HOUR_MS) -> str:
    key = open_secrets(center.center.settings).derive(answer_link.PURPOSE)
    return answer_link.make(ticket, to_ms(center.clock.now()) + lasts_ms, key=key)  # type: ignore[arg-type]


async def answer(center: House, **form: str) -> int:
    return (await center.nobody.send("POST", PATH, data=form)).status_code


async def test_link_asks_and_changes_nothing(embedded: House) -> None:
    ticket = await closed(embedded)
    page = await embedded.nobody.get(PATH, token=link(embedded, ticket))
    assert ticket in page.text
    assert "script" not in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert (await embedded.customer.ticket(ticket))["satisfaction"] is None


async def test_button_answers_in_the_customers_name_and_opens_a_case(embedded: House) -> None:
    ticket = await closed(embedded)
    assert await answer(embedded, token=link(embedded, ticket), satisfied="no", comment="<b>three days</b>") == 200
    assert await cases(embedded) == [ticket]
    entry = [e for e in await embedded.customer.log(ticket) if e["type"] == "ticket.satisfaction_answered"][-1]
    assert (entry["actor"], entry["data"]["comment"]) == ("account:hw-power/link", "<b>three days</b>")


@pytest.mark.parametrize("wrong", ["", "nonsense", "forged", "late", "of-an-open-ticket", "no-button"])
async def test_whatever_is_wrong_the_answer_is_the_same_and_nothing_is_recorded(embedded: House, wrong: str) -> None:
    ticket = await closed(embedded)
    good, button = link(embedded, ticket), {"satisfied": "yes"}
    tokens = {"": "", "nonsense": "a.b.c", "forged": good[:-2] + "xx", "late": link(embedded, ticket, lasts_ms=-1)}
    if wrong == "of-an-open-ticket":
        tokens[wrong] = link(embedded, await embedded.customer.report("SG-0871-0871"))
    button = {} if wrong == "no-button" else button
    found = await embedded.nobody.send("POST", PATH, data={"token": tokens.get(wrong, good), **button})
    assert (found.status_code, ticket in found.text) == (404, False)
    assert (await embedded.customer.ticket(ticket))["satisfaction"] is None


async def test_only_the_customer_and_the_desk_may_answer(embedded: House) -> None:
    ticket, yes = await closed(embedded), {"satisfied": True}
    assert (await embedded.bank.post(f"/v1/tickets/{ticket}/satisfaction", yes)).status_code == 404
    assert (await embedded.network("010").post(f"/v1/tickets/{ticket}/satisfaction", yes)).status_code == 403  # type: ignore[arg-type]
    assert done(await embedded.operator.post(f"/v1/tickets/{ticket}/satisfaction", yes))["satisfaction"] == "satisfied"


@pytest.mark.parametrize(
    "body", [{}, {"satisfied": "yes"}, {"satisfied": True, "score": 6}, {"satisfied": True, "x": 1}]
)
async def test_bad_answer_names_its_field(embedded: House, body: dict[str, object]) -> None:
    ticket = await closed(embedded)
    refused = await embedded.customer.post(f"/v1/tickets/{ticket}/satisfaction", body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] in ("satisfied", "score", "x")
