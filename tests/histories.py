"""Histories that nobody would invent: tickets to which anything happens in any order, legal or not, in a real database.

What is drawn follows from a seed. A recount reads nothing but `ticket_log`, and computes with `independent_clock`.
"""

from dataclasses import replace
from datetime import timedelta
from itertools import cycle
from random import Random
from typing import Any, get_args

import orjson
from sqlalchemy import select

from shared.clock import from_ms, rfc3339, to_ms
from shared.contracts import facts as f
from shared.db.port import Database, Tx
from shared.db.statement import Query
from shared.ids import CircuitId, OrderId, TicketId, new_ticket_id, order_id
from shared.testing.clock import ManualClock
from shared.tickets import store
from shared.tickets.log import append, open_ticket
from shared.tickets.model import Ticket
from shared.tickets.policy_file import read_policy
from shared.tickets.store import NewTicket
from shared.tickets.tables import ticket_log
from tests.cases import save
from tests.registry import ACCOUNTS, CIRCUITS, NETWORKS

LOG = Query(select(ticket_log).order_by(ticket_log.c.ticket, ticket_log.c.seq))
TIERS = ("diamond", "jade", "gold", "crystal")
LINES = [CircuitId(f"HISTORY-{number}") for number in range(500)]
KNOWN = tuple(replace(circuit, id=id) for id, circuit in zip(LINES, cycle(CIRCUITS), strict=False))
"""What the registry is to know of them: every ticket has a circuit of its own, so that any may be open again."""
POLICY = read_policy()
HOUR_MS = 3_600_000
Json = dict[str, Any]


class History:
    """Tickets in `database`, as many as `open` was called; `step` lets something happen to one of them."""

    def __init__(self, database: Database, clock: ManualClock, seed: int) -> None:
        self.database = database
        self.clock = clock
        self.random = Random(seed)
        self.tickets: dict[TicketId, tuple[Ticket, bytes]] = {}

    async def live(self, *, tickets: int, steps: int) -> None:
        """So many more tickets and so many more facts, among each other."""
        for happens in ["open", *self.random.sample(["open"] * (tickets - 1) + ["step"] * steps, tickets + steps - 1)]:
            self.clock.advance(timedelta(milliseconds=self.random.choice([0, 1, 61_000, 7 * 60_003, 47 * 60_001])))
            if happens == "open":
                await self.open()
            else:
                await self.step()

    async def open(self, on: str | None = None) -> TicketId:
        now, tier = self.clock.now(), self.random.choice(TIERS)
        impact = self.random.choice(get_args(f.Impact))
        circuit = (
            CircuitId(on)
            if on
            else LINES[len(self.tickets)]
            if self.random.random() < 0.9
            else CircuitId(f"gone-{len(self.tickets)}")
        )
        report = f.FaultReported(
            self.random.choice(ACCOUNTS).id, circuit, impact, "no light", now - timedelta(milliseconds=250),
            segment=self.random.choice([None, "a-access"]), tier=tier, terms=self._terms(tier, impact),
        )  # fmt: skip
        ticket, entry = open_ticket(new_ticket_id(now), report, at=now, actor=f"account:{report.account}")
        await self.database.transact(lambda tx: store.open_new(tx, [NewTicket(ticket, entry, None)]))
        self.tickets[ticket.id] = ticket, entry.hash
        return ticket.id

    async def step(self, id: TicketId | None = None, fact: f.Fact | None = None) -> None:
        id = id or self.random.choice(list(self.tickets))
        before, head = self.tickets[id]
        facts = [fact or self._fact(before)]
        actor = self.random.choice([f"account:{before.account}", "network:010", "system:deadlines"])
        after, entries = append(before, head, facts, at=self.clock.now(), actor=actor)

        async def body(tx: Tx) -> None:
            await save(tx, [after], entries)

        await self.database.transact(body)
        self.tickets[id] = after, entries[-1].hash

    def _terms(self, tier: str, impact: f.Impact) -> f.Terms | None:
        """Some promise nothing, some only eight hours a day."""
        terms, begin = POLICY.terms_of(tier, impact), to_ms(self.clock.now()) - 6 * HOUR_MS
        days = tuple((begin + day * 24 * HOUR_MS, begin + (day * 24 + 8) * HOUR_MS) for day in range(30))
        return self.random.choice([None, replace(terms, calendar="days", hours=days), *[terms] * 8])

    def _fact(self, ticket: Ticket) -> f.Fact:
        r, now = self.random, self.clock.now()
        network = r.choice(NETWORKS[:4]).code
        order = OrderId(order_id(ticket.id, network))
        claim = r.choice([None, now - timedelta(minutes=r.randrange(200)), now + timedelta(minutes=5)])
        reason = r.choice(get_args(f.SuspendReason))
        clock: Any = "held" if reason in ("third_party", "spares", "internal") else "pending"
        level, kind = r.choice(get_args(f.Level)), r.choice(get_args(f.DeadlineKind))
        cause, remedy = r.choice([None, *get_args(f.Cause)]), r.choice([None, *get_args(f.RemedyCode)])
        segment = r.choice([None, "a-access", "a-metro", "backbone-1", "z-lan", "nowhere"])
        likely = [
            f.OrderIssued(order, network, "repair", "why", 1, ticket.circuit, ("a-access",), ticket.impact, "x", now),
            f.OrderAccepted(order, network),
            f.OrderProgressed(order, network, "diagnosed", segment=segment),
            f.TicketSuspended(order, network, clock, reason, "seen", claim),
            f.TicketResumed(order, network, occurred_at=claim),
            f.ServiceRestored(order, network, claim or now, cause, None, remedy),
        ]
        rare = [
            f.OrderDeclined(order, network, "other", occurred_at=claim),
            f.OrderHandedOver(order, network, NETWORKS[0].code, "x", segment, claim),
            f.OrderStoodDown(order, network, "restored"), f.TicketReopened("no"), f.TicketClosed("confirmed"),
            f.TicketCancelled(), f.SuspensionStruckOut(r.randrange(2, 12), "nobody was there"), f.TicketChased(),
            f.TicketEscalated(level, "breach", "x", ("duty",)), f.EscalationAcknowledged(ticket.seq),
            f.DeadlineMissed(kind, "x", now), f.NoteAdded("x"), f.ReportJoined("down", "x", now, segment=segment),
            f.FaultReportGiven("fibre", "spliced", "x"),
            f.RestorationPredicted(now, now, now + timedelta(hours=1), r.choice(["all", "impact"]), 40),
            f.TermsChanged(POLICY.terms_of("gold", "down"), "x", r.choice([None, "gold"]), r.choice([None, "down"])),
        ]  # fmt: skip
        return r.choice(r.choice([likely, likely, rare]))


async def recorded(database: Database) -> dict[str, list[Json]]:
    """Ticket → its log as a customer reads it, straight from the table."""
    logs: dict[str, list[Json]] = {}
    for row in await database.fetch(LOG, patience_s=20):
        entry = {name: row[name] for name in ("seq", "type", "actor", "status", "account")}
        entry |= {"at": rfc3339(from_ms(row["at"])), "data": orjson.loads(row["data"])}
        logs.setdefault(row["ticket"], []).append(entry)
    return logs
