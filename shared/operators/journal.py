"""What happened at the operators' door, counted and logged; a use of break-glass is a warning, whatever came of it."""

import logging

from shared.errors import CenterError, Forbidden, Unavailable
from shared.metrics import Metrics
from shared.operators import break_glass
from shared.operators.sessions import Session

log = logging.getLogger(__name__)


class Journal:
    def __init__(self, metrics: Metrics) -> None:
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

    def not_signed_in(self, why: CenterError) -> None:
        match why:
            case Forbidden():
                outcome = "no_duty"
            case Unavailable():
                outcome = "unavailable"
            case _:
                outcome = "refused"
        self._sign_ins.labels(outcome).inc()
        log.info("a sign-in ended without a session: %s", why.detail)

    def signed_out(self, session: Session) -> None:
        self._sign_outs.inc()
        log.info("operator %s signed out", session.operator.subject)

    def break_glass(self, outcome: break_glass.Outcome, address: str) -> None:
        self._break_glass.labels(outcome).inc()
        log.warning("BREAK-GLASS: a try to sign in from %s: %s", address, outcome)
