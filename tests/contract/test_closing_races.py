"""A report that meets a ticket in the moment when it closes is not lost with it: it opens the circuit's next one."""

import asyncio
from functools import partial

from services.intake import model
from services.intake.crowding import Crowding
from services.intake.handlers import Desk
from services.intake.model import Reported, ReportFault
from shared.db.port import Tx
from shared.db.postgres import PostgresDatabase
from shared.metrics import Metrics
from shared.testing.clock import ManualClock
from shared.tickets import store
from shared.tickets.changes import Change, Changes
from shared.tickets.policy_file import read_policies
from tests.cases import ACTOR, reported
from tests.waiting import somebody_waits_for, until

REPORT = ReportFault(reported(), ACTOR, None)


async def test_report_that_waits_for_a_ticket_that_is_being_cancelled_opens_the_next(
    postgres_store: PostgresDatabase, clock: ManualClock
) -> None:
    desk = Desk(postgres_store, clock, Crowding(0, Metrics()).admit, read_policies())
    first = (await desk.report(REPORT)).ticket

    async def cancel_while_it_waits(tx: Tx) -> asyncio.Task[Reported]:
        await store.lock(tx, [first.id])
        again = asyncio.create_task(desk.report(REPORT))
        await until(lambda: somebody_waits_for(tx))
        await Changes(clock).run(tx, [Change(first.id, ACTOR, partial(model.cancel, reason=None))])
        return again

    second = await (await postgres_store.transact(cancel_while_it_waits))
    await desk.close()
    assert (second.created, second.ticket.status, second.ticket.id != first.id) == (True, "acknowledged", True)
    assert [entry.type for entry in await store.entries(postgres_store, first.id)][1:] == ["ticket.cancelled"]
