"""Requests refused (401, 403) on routes that change something, counted a minute at a time for the audit trail.

A flood of them must fill no table: a minute has at most a hundred rows a process, whatever is sent, and the rest is
one row with its count. What a killed process had counted in its last minute is lost.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import HTTPConnection
from starlette.types import Scope

from shared.audit.trail import Act, record
from shared.auth.principal import Principal
from shared.clock import Clock
from shared.db.port import Database
from shared.origin import Origin
from shared.web.authentication import CALLER

REFUSED = frozenset({401, 403})
CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
MOST = 100
MINUTE = timedelta(minutes=1)
NOBODY, OTHERS = "nobody", "others"
KEY_ID = re.compile(r"vrc_(?:[a-z0-9]{1,12}_)?([0-9a-f]{12})_")
Address = Callable[[HTTPConnection], str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """`claims` is the id of the key that was shown and not accepted: anybody may write one."""

    minute: datetime
    actor: str
    origin: Origin
    route: str
    status: int
    claims: str | None = None

    def act(self, count: int) -> Act:
        details = {"status": self.status, "count": count, **({"claims": self.claims} if self.claims else {})}
        return Act(self.minute, self.actor, "request.refused", f"route:{self.route}", details, self.origin)


class Refusals:
    def __init__(self, database: Database, clock: Clock, address: Address) -> None:
        self._database = database
        self._clock = clock
        self._address = address
        self._counts: Counter[Refusal] = Counter()

    def note(self, scope: Scope, status: int) -> None:
        """To be called with every answer."""
        if status not in REFUSED or scope["method"] not in CHANGING:
            return
        now = self._clock.now()
        minute = now.replace(second=0, microsecond=0)
        refusal = self._refusal(scope, minute, status)
        if refusal not in self._counts and len(self._counts) >= MOST:
            refusal = Refusal(minute, OTHERS, Origin(), "any", status)
        self._counts[refusal] += 1

    async def record_due(self) -> None:
        """The minutes that are over. Raises Unavailable; nothing is lost by that."""
        await self._record(self._clock.now() - MINUTE)

    async def record_all(self) -> None:
        await self._record(self._clock.now())

    async def _record(self, until: datetime) -> None:
        due = {refusal: count for refusal, count in self._counts.items() if refusal.minute <= until}
        if due:
            await self._database.transact(lambda tx: record(tx, *(r.act(count) for r, count in due.items())))
            self._counts -= Counter(due)

    def _refusal(self, scope: Scope, minute: datetime, status: int) -> Refusal:
        connection = HTTPConnection(scope)
        caller: Principal | None = scope.get(CALLER)
        route = f"{scope['method']} {getattr(scope.get('route'), 'path', 'unmatched')}"
        if caller is not None:
            return Refusal(minute, caller.actor, caller.origin, route, status)
        claimed = KEY_ID.search(connection.headers.get("authorization", ""))
        claims = claimed[1] if claimed else None
        return Refusal(minute, NOBODY, Origin(address=self._address(connection)), route, status, claims)
