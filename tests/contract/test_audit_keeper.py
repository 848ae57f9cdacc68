"""The keeper seals the trail's end and anchors all chains once a day; what was rewritten it neither seals nor signs."""

import asyncio
from datetime import timedelta

from shared.audit import store as audit
from shared.audit.anchors import first_wrong
from shared.audit.signing import Signer
from shared.db.port import Database, Tx
from shared.testing.clock import START, ManualClock
from tests.auditing import DAY, SIGNER, Tables, anchors_of, broken, found, keeper, kept_lines, noted, recorded, reported


async def sealed(database: Database) -> int:
    return (await audit.ends(database)).sealed_position


async def cut_to(database: Database, length: int) -> None:
    async def cut(tx: Tx) -> None:
        before = await Tables.read(tx)
        after = before.copy()
        after.rows["audit_log"] = [row for row in after["audit_log"] if row["position"] <= length]
        (head,) = after["audit_head"]
        head |= {"position": length, "hash": next(r["hash"] for r in after["audit_log"] if r["position"] == length)}
        await after.write(tx, before)

    await database.transact(cut)


async def test_seal_follows_the_chain(store: Database) -> None:
    keeping = keeper(store)
    await keeping.seal()
    for upto in (1, 2):
        await recorded(store, upto)
        await keeping.seal()
        assert await sealed(store) == upto
    assert (await found(store)).findings == []


async def test_keeper_that_starts_goes_on_from_the_seal(store: Database) -> None:
    await recorded(store, 1, 2)
    await keeper(store).seal()
    await recorded(store, 3)
    again = keeper(store)
    await again.seal()
    assert (await sealed(store), again.finding) == (3, None)


async def test_seal_of_another_key_is_not_gone_on_from(store: Database) -> None:
    await recorded(store, 1, 2)
    await keeper(store, signer=Signer(bytes(32))).seal()
    await recorded(store, 3)
    keeping = keeper(store)
    await keeping.seal()
    assert keeping.finding is not None
    assert (await sealed(store), keeping.finding.kind) == (2, "edited")


async def test_chain_that_became_shorter_is_said_at_once_and_not_sealed(store: Database, intruder: Database) -> None:
    keeping = keeper(store)
    await recorded(store, 1, 2, 3)
    await keeping.seal()
    await cut_to(intruder, 2)
    await keeping.seal()
    assert keeping.finding is not None
    assert (keeping.finding.place, keeping.finding.kind) == (3, "cut")


async def test_act_that_follows_a_cut_is_not_sealed(store: Database, intruder: Database) -> None:
    keeping = keeper(store)
    await recorded(store, 1, 2, 3)
    await keeping.seal()
    await cut_to(intruder, 2)
    await recorded(store, 4, 5)
    await keeping.seal()
    assert keeping.finding is not None
    assert await sealed(store) == 3
    assert await broken(store) == [("audit", 3, "edited")]


async def test_first_anchor_is_due_at_once_and_the_next_a_day_later(store: Database, clock: ManualClock) -> None:
    keeping = keeper(store, clock)
    assert await keeping.anchor_due_chains() is not None
    clock.advance(DAY - timedelta(milliseconds=1))
    assert await keeping.anchor_due_chains() is None
    clock.advance(timedelta(milliseconds=1))
    assert await keeping.anchor_due_chains() is not None


async def test_what_happened_in_a_downtime_is_in_the_next_anchor(store: Database, clock: ManualClock) -> None:
    await reported(store, 3, entries=2)
    first = await keeper(store, clock).anchor_due_chains()
    await reported(store, 2, entries=4, first=3)
    clock.advance(9 * DAY)
    second = await keeper(store, clock).anchor_due_chains()
    assert first is not None
    assert second is not None
    assert (first.tickets, second.number, second.tickets, second.at) == (3, 2, 2, START + 9 * DAY)


async def test_anchor_covers_the_tickets_that_grew_and_no_others(store: Database) -> None:
    await reported(store, 5, entries=2)
    await keeper(store).anchor()
    async with asyncio.timeout(30):
        (ticket, *_) = await store.fetch(audit.TICKET_ENDS, after="", most=1)
        await noted(store, ticket["ticket"], 3)
    second = await keeper(store).anchor()
    assert second is not None
    assert second.tickets == 1
    assert (await found(store)).findings == []


async def test_anchors_that_are_due_in_two_processes_are_made_once(store: Database) -> None:
    await reported(store, 3, entries=2)
    await recorded(store, 1)
    made = await asyncio.gather(*(keeper(store).anchor_due_chains() for _ in range(4)))
    assert len([anchor for anchor in made if anchor]) == 1
    assert (await found(store, await kept_lines(store))).findings == []


async def test_anchors_are_signed_and_chained(store: Database) -> None:
    for number in range(3):
        await recorded(store, number)
        await keeper(store).anchor()
    anchors = await anchors_of(store)
    assert [anchor.number for anchor in anchors] == [1, 2, 3]
    assert first_wrong(anchors, public_keys=[SIGNER.public_key]) is None
    assert first_wrong(anchors, public_keys=[Signer(bytes(32)).public_key]) is not None
    assert first_wrong(anchors[1:], public_keys=[SIGNER.public_key]) is not None


async def test_more_tickets_than_fit_a_page_are_all_anchored(store: Database) -> None:
    await reported(store, 23, entries=2)
    keeping = keeper(store)
    most, audit.PAGE = audit.PAGE, 5
    try:
        anchor = await keeping.anchor()
        assert anchor is not None
        assert anchor.tickets == 23
        assert (await found(store)).findings == []
    finally:
        audit.PAGE = most
