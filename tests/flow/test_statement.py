"""The statement of a ticket that was lived through: what both programs recompute, on either way to run the center."""

from datetime import timedelta
from typing import Any

import httpx
from click.testing import CliRunner

from services.cli import main
from shared.statement.reading import read
from shared.statement.verify import verify
from shared.testing.clock import ManualClock
from tests.centers import House
from tests.independent_statement import check
from tests.people import done
from tests.registry import PLAIN, SHANGHAI, XIAN

HOSTILE = "门锁了 <script>alert(1)</script> \"'&"


async def lived_through(center: House, clock: ManualClock) -> str:
    """Suspended, restored, reopened, restored again and confirmed: the ticket's id."""
    ticket = await center.accepted(PLAIN[0], SHANGHAI, XIAN, description=HOSTILE)
    await center.network(XIAN).suspend(ticket, "no_site_access", evidence=HOSTILE)
    for minutes, step in ((47, "resume"), (31, "restore")):
        clock.advance(timedelta(minutes=minutes, milliseconds=3))
        await center.network(XIAN).say(step, ticket)
    await center.customer.reopen(ticket)
    await center.ordered(ticket, XIAN)
    clock.advance(timedelta(minutes=9, milliseconds=1))
    done(await center.network(XIAN).say("accept", ticket))
    done(await center.network(XIAN).say("restore", ticket, cause="fibre", remedy_code="spliced", remedy=HOSTILE))
    await center.customer.confirm(ticket)
    return ticket


async def statement(center: House, ticket: str, **headers: str) -> httpx.Response:
    return await center.customer.send("GET", f"/v1/tickets/{ticket}/statement", headers=headers)


async def key_of(center: House) -> str:
    return str(done(await center.customer.get("/v1/statement-key"))["public_key"])


async def test_statement_holds_for_both_programs_and_says_what_the_clock_says(
    any_center: House, clock: ManualClock
) -> None:
    ticket = await lived_through(any_center, clock)
    answer, key = await statement(any_center, ticket), await key_of(any_center)
    assert verify(read(answer.content), key).findings == []
    assert check(answer.content, key) == []
    said, sla = answer.json(), done(await any_center.customer.get(f"/v1/tickets/{ticket}/sla"))
    names = ("time_to_repair_ms", "response_ms", "pending_ms", "stages_ms", "is_final")
    assert {name: said["figures"][name] for name in names} == {name: sla[name] for name in names}
    assert said["figures"]["time_to_repair_ms"] == (31 + 9) * 60_000 + 3 + 1
    assert [e["hash"] for e in said["entries"]] == [e["hash"] for e in await any_center.customer.log(ticket)]
    assert said["names"]["networks"][XIAN] == {"zh": "西安", "en": "Xi'an"}


async def test_page_is_of_the_language_that_its_reader_asks_for(embedded: House, clock: ManualClock) -> None:
    ticket = await lived_through(embedded, clock)
    chinese = await statement(embedded, ticket, accept="text/html", **{"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"})
    english = await embedded.customer.get(f"/v1/tickets/{ticket}/statement.html", lang="en")
    assert "障碍处理对账单" in chinese.text
    assert "Statement of a trouble ticket" in english.text
    for page in (chinese, english):
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")


async def test_what_people_wrote_is_text_on_the_page(embedded: House, clock: ManualClock) -> None:
    ticket = await lived_through(embedded, clock)
    page = (await embedded.customer.get(f"/v1/tickets/{ticket}/statement.html")).text
    assert "<script" not in page
    assert page.count("门锁了 &lt;script&gt;alert(1)&lt;/script&gt; &quot;&#x27;&amp;") >= 3
    assert "http" not in page.replace("http-equiv", "")


async def test_statement_is_anothers_to_nobody_and_the_operators_to_read(embedded: House, clock: ManualClock) -> None:
    ticket = await lived_through(embedded, clock)
    for path in (f"/v1/tickets/{ticket}/statement", f"/v1/tickets/{ticket}/statement.html"):
        assert (await embedded.operator.get(path)).status_code == 200
        assert (await embedded.bank.get(path)).status_code == 404
        assert (await embedded.network(XIAN).get(path)).status_code == 403
        assert (await embedded.nobody.get(path)).status_code == 401


async def test_file_that_was_fetched_is_verified_offline(embedded: House, clock: ManualClock, tmp_path: Any) -> None:
    ticket, file = await lived_through(embedded, clock), tmp_path / "statement.json"
    file.write_bytes((await statement(embedded, ticket)).content)
    key = await key_of(embedded)
    holds = CliRunner().invoke(main, ["verify", str(file), "--key", key])
    assert (holds.exit_code, holds.output.splitlines()[-1]) == (
        0,
        "It holds: chain, figures, verdicts, and the center's signature.",
    )
    unknown = CliRunner().invoke(main, ["verify", str(file)])
    assert (unknown.exit_code, key in unknown.output) == (2, True)
    file.write_bytes(file.read_bytes().replace(b'"time_to_repair_ms":2400004', b'"time_to_repair_ms":1400004'))
    wrong = CliRunner().invoke(main, ["verify", str(file), "--key", key])
    assert wrong.exit_code == 1
    assert "WRONG figures.time_to_repair_ms: it says 1400004, and its entries make 2400004" in wrong.output


def test_file_that_is_no_statement_ends_with_2(tmp_path: Any) -> None:
    file = tmp_path / "statement.json"
    file.write_text("{}")
    answer = CliRunner().invoke(main, ["verify", str(file)])
    assert (answer.exit_code, "is no statement: format" in answer.output) == (2, True)
    assert CliRunner().invoke(main, ["verify", str(file), "--key", "x"]).exit_code == 2
