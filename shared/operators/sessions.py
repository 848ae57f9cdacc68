"""Sessions, rows in the database: what one process begins or ends counts in all of them with the next request.

The cookie is 256 random bits; kept is its SHA-256, so that nobody who reads the database can go on as somebody else.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal

from sqlalchemy import bindparam, delete, select, update

from shared.audit.trail import Act, Action, record
from shared.auth.permissions import DUTIES, Duty
from shared.clock import Clock, from_ms, to_ms
from shared.db.port import Database, Tx
from shared.db.statement import BulkInsert, Query, Row
from shared.operators.claims import BREAK_GLASS, Operator
from shared.operators.flow import derived
from shared.operators.tables import SESSION_COLUMNS, operator_sessions
from shared.origin import Origin

Way = Literal["openid", "break_glass"]
BEGINNINGS: dict[Way, Action] = {"openid": "signin.succeeded", "break_glass": "breakglass.used"}
SEEN_EVERY = timedelta(minutes=1)  # one write a minute and session, not one a request
_s = operator_sessions.c

BEGIN = BulkInsert(operator_sessions, SESSION_COLUMNS)
FIND = Query(select(operator_sessions).where(_s.hash == bindparam("hash")))
SEEN = Query(update(operator_sessions).where(_s.hash == bindparam("hash")).values(seen_at=bindparam("now")))
END = Query(delete(operator_sessions).where(_s.hash == bindparam("hash")).returning(_s.subject))
END_PASSED = Query(delete(operator_sessions).where(_s.ends_at <= bindparam("now")))
END_OF_SUBJECT = Query(delete(operator_sessions).where(_s.subject == bindparam("subject")))


@dataclass(frozen=True, slots=True)
class Session:
    operator: Operator
    way: Way
    began_at: datetime
    ends_at: datetime
    id_token: str | None
    cookie: str

    @property
    def csrf_token(self) -> str:
        """What a page must send beside the cookie; only who knows the cookie's value can make it."""
        return derived(self.cookie, "csrf")

    @property
    def credential(self) -> str:
        """How the record names it: tells nothing of the cookie, and is the same for the whole session."""
        return f"session:{digest(self.cookie).hex()[:12]}"

    def act(self, action: Action, at: datetime, *, address: str, **details: object) -> Act:
        """What the audit trail keeps of it."""
        who = f"operator:{self.operator.subject}"
        return Act(at, who, action, self.credential, details, Origin(self.credential, address))


class Sessions:
    """`idle` ends a session that nobody used that long; `lasts` ends it in any case. Begin and end are acts."""

    def __init__(self, database: Database, clock: Clock, *, idle: timedelta, lasts: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._idle = idle
        self._lasts = lasts

    async def begin(
        self, operator: Operator, way: Way, *, instead_of: str | None, address: str = "",
        lasts: timedelta | None = None, id_token: str | None = None,
    ) -> Session:  # fmt: skip
        """Always a new one; what the browser had before (`instead_of`, a cookie) is over."""
        now = self._clock.now()
        cookie = secrets.token_urlsafe(32)
        ends_at = now + min(lasts or self._lasts, self._lasts)
        row = (
            digest(cookie), operator.subject, operator.name, " ".join(sorted(operator.duties)), way, id_token,
            to_ms(now), to_ms(now), to_ms(ends_at),
        )  # fmt: skip

        session = Session(operator, way, now, ends_at, id_token, cookie)
        act = session.act(
            BEGINNINGS[way], now, address=address, name=operator.name, duties=sorted(operator.duties)
        )  # fmt: skip

        async def begin(tx: Tx) -> None:
            await tx.fetch(END_PASSED, now=to_ms(now))
            await tx.fetch(END, hash=digest(instead_of or ""))
            await tx.insert(BEGIN, [row])
            await record(tx, act)

        await self._database.transact(begin)
        return session

    async def find(self, cookie: str) -> Session | None:
        """None once it is over. Looking counts as use."""
        hash, now = digest(cookie), self._clock.now()
        rows = await self._database.fetch(FIND, hash=hash)
        if not rows or self._is_over(rows[0], now):
            return None
        if now - from_ms(rows[0]["seen_at"]) >= SEEN_EVERY:
            await self._database.single(lambda tx: tx.fetch(SEEN, hash=hash, now=to_ms(now)))
        return _session(rows[0], cookie)

    async def end(self, session: Session, *, address: str = "") -> None:
        act = session.act("signin.ended", self._clock.now(), address=address)

        async def end(tx: Tx) -> None:
            if await tx.fetch(END, hash=digest(session.cookie)):
                await record(tx, act)

        await self._database.transact(end)

    def _is_over(self, row: Row, now: datetime) -> bool:
        return now >= from_ms(row["ends_at"]) or now - from_ms(row["seen_at"]) >= self._idle


async def end_break_glass(tx: Tx) -> None:
    """Every session that began with a password that counts no more."""
    await tx.fetch(END_OF_SUBJECT, subject=BREAK_GLASS)


def digest(cookie: str) -> bytes:
    return sha256(cookie.encode("utf-8", "surrogateescape")).digest()


def _session(row: Row, cookie: str) -> Session:
    # A duty that a newer version no longer knows gives nothing.
    duties: frozenset[Duty] = frozenset(duty for duty in DUTIES if duty in row["duties"].split())
    operator = Operator(row["subject"], row["name"], duties)
    began_at, ends_at = from_ms(row["began_at"]), from_ms(row["ends_at"])
    return Session(operator, row["way"], began_at, ends_at, row["id_token"], cookie)
