"""What happened at the operators' door, counted, logged, and an act of the audit trail where somebody was refused.

Begin and end of a session are acts of their own transactions (`sessions`). What any stranger can cause without end is
counted and logged only, or the trail could be filled from outside: an answer to no sign-in, a try while it is locked.
"""

import logging

from shared.audit.trail import Act, record
from shared.clock import Clock
from shared.db.port import Database
from shared.errors import CenterError, Forbidden, Unavailable
from shared.metrics import Metrics
from shared.operators.break_glass import Outcome
from shared.operators.claims import BREAK_GLASS
from shared.operators.refusals import BadIdToken, NoDuty
from shared.operators.sessions import Session
from shared.origin import Origin

log = logging.getLogger(__name__)


class Journal:
    def __init__(self, metrics: Metrics, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._sign_ins = metrics.counter(
            "vrc_operator_sign_ins_total", "Sign-ins with the OpenID provider that came to an end.", ("outcome",)
        )
        self._sign_outs = metrics.counter("vrc_operator_sign_outs_total", "Sessions ended by their operator.")
        self._break_glass = metrics.counter(
            "vrc_break_glass_uses_total", "Tries to sign in with the break-glass password.", ("outcome",)
        )

    def signed_in(self, session: Session) -> None:
        self._sign_ins.labels("granted").inc()
        who = session.operator
        log.info("operator %s (%s) signed in as %s", who.subject, who.name, " ".join(sorted(who.duties)))

    async def not_signed_in(self, why: CenterError, address: str) -> None:
        match why:
            case Forbidden():
                outcome = "no_duty"
            case Unavailable():
                outcome = "unavailable"
            case _:
                outcome = "refused"
        self._sign_ins.labels(outcome).inc()
        log.info("a sign-in ended without a session: %s", why.detail)
        match why:
            case NoDuty(operator=operator):
                await self._refused(f"operator:{operator.subject}", address, name=operator.name, reason="no_duty")
            case BadIdToken():
                await self._refused("operator:unknown", address, reason="id_token")

    def signed_out(self, session: Session) -> None:
        self._sign_outs.inc()
        log.info("operator %s signed out", session.operator.subject)

    async def break_glass(self, outcome: Outcome, address: str) -> None:
        self._break_glass.labels(outcome).inc()
        log.warning("BREAK-GLASS: a try to sign in from %s: %s", address or "an unknown address", outcome)
        if outcome == "wrong":
            await self._refused(f"operator:{BREAK_GLASS}", address, reason="wrong_password")

    async def _refused(self, actor: str, address: str, **details: str) -> None:
        act = Act(self._clock.now(), actor, "signin.refused", "door:sign-in", details, Origin(address=address))
        await self._database.transact(lambda tx: record(tx, act))
