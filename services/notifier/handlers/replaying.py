"""What a subscription was told, or should have been, told again: an event, a ticket, a time, or what was given up.

A replay goes in lanes of its own: in order within each ticket, beside what happens now, and retried like that.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.notifier.model.subscription import Subscription
from services.notifier.store import logs, replays, subscriptions
from services.notifier.store.places import places
from services.notifier.store.replays import Window
from shared.audit.trail import Act, record
from shared.auth.principal import Principal
from shared.clock import Clock, rfc3339
from shared.db.port import Database, Tx
from shared.errors import FieldError, IllegalMove, InvalidInput, NotFound
from shared.ids import AccountId, SubscriptionId, TicketId

MOST_TICKETS = 10_000


@dataclass(frozen=True, slots=True)
class OneEvent:
    ticket: TicketId
    seq: int


@dataclass(frozen=True, slots=True)
class OneTicket:
    ticket: TicketId


@dataclass(frozen=True, slots=True)
class Since:
    at: datetime


@dataclass(frozen=True, slots=True)
class DeadLetters:
    pass


What = OneEvent | OneTicket | Since | DeadLetters


@dataclass(frozen=True, slots=True)
class Replay:
    """`run` names it in the log of deliveries; `tickets` are so many logs."""

    run: str
    tickets: int


class ReplayDesk:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def replay(self, by: Principal, id: SubscriptionId, what: What) -> Replay:
        """Raises NotFound, InvalidInput, or IllegalMove: disabled, or as much under way as may be."""
        now, run = self._clock.now(), f"rpl_{secrets.token_hex(6)}"

        async def replay(tx: Tx) -> Replay:
            await subscriptions.lock(tx, AccountId(by.subject))
            found = await subscriptions.get(tx, id, AccountId(by.subject))
            if found is None:
                raise NotFound()
            if found.standing.disabled_at is not None:
                raise IllegalMove("The subscription is disabled.", legal=("enable",))
            windows = await self._windows(tx, by, found, what)
            if len(windows) + await replays.under_way(tx, id) > MOST_TICKETS:
                raise IllegalMove(f"At most {MOST_TICKETS} tickets are replayed at a time.", legal=("wait",))
            await replays.put(tx, id, run, windows, now)
            if isinstance(what, DeadLetters):
                await replays.mark_replayed(tx, id, windows, now)
            details = {"run": run, "tickets": len(windows), **_named(what)}
            await record(tx, Act(now, by.actor, "subscription.replayed", f"subscription:{id}", details, by.origin))
            return Replay(run, len(windows))

        return await self._database.transact(replay)

    async def _windows(self, tx: Tx, by: Principal, of: Subscription, what: What) -> Sequence[Window]:
        accounts = {of.account} | {account for account in of.preferences.accounts if by.may_read(account)}
        match what:
            case Since(at):
                windows = await replays.since(tx, accounts, at, most=MOST_TICKETS + 1)
                if len(windows) > MOST_TICKETS:
                    raise InvalidInput(FieldError("since", f"more than {MOST_TICKETS} tickets: name a later time"))
                return windows
            case DeadLetters():
                return await replays.dead(tx, of.id, most=MOST_TICKETS)
            case OneTicket(ticket):
                return [Window(ticket, 1, await self._fed(tx, ticket, accounts, "ticket"))]
            case OneEvent(ticket, seq):
                if seq > await self._fed(tx, ticket, accounts, "event"):
                    raise InvalidInput(FieldError("event", "names no event of yours"))
                (event,) = await logs.entries(tx, ticket, after=seq - 1, most=1)
                place = (await places(tx, [ticket])).get(ticket) if of.by_place else None
                if not of.wants(event, place):
                    raise InvalidInput(FieldError("event", "is none that this subscription wants"))
                return [Window(ticket, seq, seq)]

    async def _fed(self, tx: Tx, ticket: TicketId, accounts: set[AccountId], field: str) -> int:
        found = await replays.fed(tx, ticket)
        if found is None or found[0] not in accounts:
            raise InvalidInput(FieldError(field, f"names no {field} of yours"))
        return found[1]


def _named(what: What) -> dict[str, str]:
    match what:
        case Since(at):
            return {"since": rfc3339(at)}
        case DeadLetters():
            return {"of": "dead letters"}
        case OneTicket(ticket):
            return {"ticket": ticket}
        case OneEvent(ticket, seq):
            return {"event": f"{ticket}-{seq}"}
