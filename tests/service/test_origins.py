"""The ticket log says from where and by which key each step came; customers see that it does, and not what it says."""

from hashlib import sha256

from sqlalchemy import select

from shared.db.statement import Query
from shared.tickets.tables import ticket_log
from tests.centers import House
from tests.registry import BEIJING, CHUXIONG, FAR, NEAR

ORIGINS = Query(select(ticket_log.c.actor, ticket_log.c.origin).order_by(ticket_log.c.ticket, ticket_log.c.seq))


async def origins(house: House) -> list[tuple[str, str]]:
    return [(row["actor"], row["origin"]) for row in await house.center.database.fetch(ORIGINS)]


async def test_every_step_that_somebody_took_says_from_where(any_center: House) -> None:
    ticket = await any_center.accepted(FAR, CHUXIONG, BEIJING)
    await any_center.operator.note(ticket, "the guard has the key")
    await any_center.customer.cancel(ticket)
    await any_center.customer.report(FAR)
    await any_center.bank.report("BY-1")
    for actor, origin in await origins(any_center):
        assert bool(origin) == (actor != "system:dispatcher"), actor
        assert not origin or len(origin.split(" ")) == 3


async def test_log_shows_the_digest_of_an_origin_and_never_the_origin(embedded: House) -> None:
    ticket = await embedded.customer.report(NEAR)
    ((_, origin), *_) = await origins(embedded)
    (entry, *_) = await embedded.customer.log(ticket)
    assert entry["origin"] == sha256(origin.encode()).hexdigest()
    assert origin not in (await embedded.operator.get(f"/v1/tickets/{ticket}/log")).text


async def test_same_origin_never_has_the_same_digest_twice(embedded: House) -> None:
    ticket = await embedded.customer.report(NEAR)
    await embedded.customer.note(ticket, "one")
    await embedded.customer.note(ticket, "two")
    digests = [entry["origin"] for entry in await embedded.customer.log(ticket) if entry["origin"]]
    assert len(set(digests)) == len(digests) == 3
