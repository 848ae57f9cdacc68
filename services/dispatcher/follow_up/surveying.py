"""The quarter's survey: each account with a ticket opened in it and closed by now is asked once, on its latest one.

A day's look asks whoever was not asked yet, in the weeks in which answers are taken; the row of `surveys` and the fact
on the ticket are one transaction.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from services.dispatcher.follow_up import store
from services.dispatcher.follow_up.desk import ACTOR, AT_ONCE
from services.dispatcher.follow_up.rules import FollowUpRules
from services.dispatcher.turns import due, take_turn
from shared.auth.principal import Principal
from shared.clock import Clock, to_ms
from shared.contracts import satisfaction as sat
from shared.db.port import Database, Tx
from shared.errors import IllegalMove, NotFound
from shared.ids import TicketId
from shared.tickets.changes import Change, Changed, Changes
from shared.tickets.request import Request

SWEEP, EVERY = "surveys", timedelta(days=1)


def quarter_before(now: datetime, zone: ZoneInfo) -> tuple[str, datetime, datetime]:
    """The last whole quarter on the customers' calendar: its name, its beginning, its end."""
    local = now.astimezone(zone)
    end = datetime(local.year, 3 * ((local.month - 1) // 3) + 1, 1, tzinfo=zone)
    begin = end.replace(month=end.month - 3) if end.month > 3 else end.replace(year=end.year - 1, month=10)
    return f"{begin.year}-Q{(begin.month + 2) // 3}", begin, end


class Surveys:
    def __init__(self, database: Database, clock: Clock, rules: FollowUpRules) -> None:
        self._database = database
        self._clock = clock
        self._rules = rules
        self._changes = Changes(clock)

    async def ask_due(self) -> None:
        """Raises Unavailable."""
        now = self._clock.now()
        if self._rules.in_daytime(now) == now and SWEEP in await due(self._database, {SWEEP: EVERY}, now):
            await self._database.transact(self._ask)

    async def _ask(self, tx: Tx) -> None:
        now, within = self._clock.now(), timedelta(days=self._rules.survey.answer_within_days)
        quarter, begin, end = quarter_before(now, self._rules.zone)
        if not await take_turn(tx, SWEEP, now, every=EVERY) or now > end + within:
            return
        span = {"since": to_ms(begin), "until": to_ms(end)}
        answer_by = now + within
        fact = sat.SurveyAsked(quarter, answer_by)
        while rows := await tx.fetch(store.TO_ASK, quarter=quarter, most=AT_ONCE, **span):
            asked = [(r["account"], quarter, r["ticket"], to_ms(now), to_ms(answer_by), None, None, None) for r in rows]
            await tx.insert(store.PUT_SURVEYS, asked)
            ids = sorted(TicketId(row["ticket"]) for row in rows)
            await self._changes.run(tx, [Change(id, ACTOR, lambda ticket, now: (fact,)) for id in ids])

    async def answer(
        self, said: sat.SurveyAnswered, *, by: Principal, request: Request | None
    ) -> tuple[store.Survey, bool]:
        """The survey, and whether this request was answered before. Raises NotFound, IllegalMove (answered, or too
        late), KeyReused, Unavailable."""
        return await self._database.transact(partial(self._answer, said=said, by=by, request=request))

    async def _answer(
        self, tx: Tx, said: sat.SurveyAnswered, by: Principal, request: Request | None
    ) -> tuple[store.Survey, bool]:
        before = await self._survey(tx, by.subject, said.quarter)
        change = Change(
            before.ticket, by.actor, lambda ticket, now: (said,), request=request, origin=by.origin.salted()
        )
        (outcome,) = await self._changes.run(tx, [change])  # locks the ticket: two take turns
        if not isinstance(outcome, Changed):
            raise outcome
        if outcome.replayed:
            return await self._survey(tx, by.subject, said.quarter), True
        now = self._clock.now()
        if (await self._survey(tx, by.subject, said.quarter)).answered_at is not None or now > before.answer_by:
            why = "the time to answer it is over" if before.answered_at is None else "it was answered before"
            raise IllegalMove(f"The survey of {said.quarter} takes no answer: {why}.", legal=())
        await tx.fetch(
            store.ANSWERED, account=by.subject, of=said.quarter, at=to_ms(now), said=said.score, text=said.comment
        )
        return await self._survey(tx, by.subject, said.quarter), False

    async def _survey(self, tx: Tx, account: str, quarter: str) -> store.Survey:
        rows = await tx.fetch(store.SURVEY, account=account, quarter=quarter)
        if not rows:
            raise NotFound()
        return store.survey_of(rows[0])

    async def of(self, account: str) -> Sequence[store.Survey]:
        """The newest first."""
        return [store.survey_of(row) for row in await self._database.fetch(store.SURVEYS, account=account)]
