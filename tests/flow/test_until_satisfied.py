"""After the ticket is closed: asked, not satisfied, worked on, asked again, until it is a yes; the quarter's survey."""

from datetime import timedelta

from tests.centers import House
from tests.people import Json, done
from tests.registry import BEIJING, CHUXIONG, FAR
from tests.waiting import until

DAY = timedelta(days=1)


async def closed(center: House) -> str:
    ticket = await center.accepted(FAR, CHUXIONG, BEIJING)
    await center.network(CHUXIONG).restore(ticket, cause="fibre")
    await center.customer.confirm(ticket)
    await center.all_heard()
    return ticket


async def told(center: House, ticket: str, type: str, *, times: int = 1) -> Json:
    """The data of the entry of that type, as soon as there are so many."""

    async def is_there() -> bool:
        return (await center.customer.facts(ticket)).count(type) >= times

    await until(is_there)
    return [entry["data"] for entry in await center.customer.log(ticket) if entry["type"] == type][-1]


async def cases(center: House) -> list[str]:
    return [case["ticket"] for case in await center.operator.items("/v1/follow-ups")]


async def say(center: House, ticket: str, satisfied: bool, **more: object) -> Json:
    return done(await center.customer.post(f"/v1/tickets/{ticket}/satisfaction", {"satisfied": satisfied, **more}))


async def test_customer_is_asked_and_followed_until_satisfied(any_center: House) -> None:
    ticket = await closed(any_center)
    any_center.clock.advance(DAY)
    await told(any_center, ticket, "ticket.follow_up_asked")
    assert (await say(any_center, ticket, False, score=1))["satisfaction"] == "dissatisfied"
    assert await cases(any_center) == [ticket]
    worked = {"text": "A second path is ordered.", "owner": "noc", "ask": True}
    done(await any_center.operator.post(f"/v1/tickets/{ticket}/follow-up", worked))
    assert (await told(any_center, ticket, "ticket.follow_up_asked", times=2))["times"] == 2
    assert (await say(any_center, ticket, True, score=4))["satisfaction"] == "satisfied"
    assert await cases(any_center) == []


async def test_owner_who_does_nothing_is_named_late(any_center: House) -> None:
    ticket = await closed(any_center)
    await say(any_center, ticket, False)
    any_center.clock.advance(DAY)
    late = await told(any_center, ticket, "ticket.follow_up_late")
    assert (late["owner"], late["times"]) == ("account_manager", 1)


async def test_silence_is_counted_as_not_answered(any_center: House) -> None:
    ticket = await closed(any_center)
    for times in (1, 2, 3):
        any_center.clock.advance(3 * DAY)
        await told(any_center, ticket, "ticket.follow_up_asked", times=times)
    any_center.clock.advance(3 * DAY)
    await told(any_center, ticket, "ticket.follow_up_unanswered")
    summary = done(await any_center.operator.get("/v1/follow-ups/summary", by="cause"))["items"]
    assert [(t["group"], t["unanswered"], t["share_satisfied"]) for t in summary] == [("fibre", 1, None)]


async def test_account_is_surveyed_once_a_quarter(any_center: House) -> None:
    ticket = await closed(any_center)
    any_center.clock.advance(45 * DAY)  # into January, in the customer's day
    asked = await told(any_center, ticket, "ticket.survey_asked")
    assert asked["quarter"] == "2026-Q4"
    any_center.clock.advance(DAY)
    answer = {"score": 4, "comment": "quick"}
    assert done(await any_center.customer.post("/v1/surveys/2026-Q4", answer))["score"] == 4
    assert (await any_center.customer.post("/v1/surveys/2026-Q4", answer)).status_code == 409
    assert (await any_center.bank.post("/v1/surveys/2026-Q4", answer)).status_code == 404
    assert (await any_center.customer.facts(ticket)).count("ticket.survey_asked") == 1


async def shows(center: House, sample: str) -> bool:
    return sample in (await center.center.metrics.page()).decode()


async def test_what_customers_answered_is_on_the_metrics_page_within_five_minutes(embedded: House) -> None:
    await until(lambda: shows(embedded, "vrc_satisfaction_tier_tickets Tickets"))
    await closed(embedded)
    embedded.clock.advance(timedelta(minutes=5))
    await until(lambda: shows(embedded, 'vrc_satisfaction_tier_tickets{answer="not_asked",tier="diamond"} 1.0'))
