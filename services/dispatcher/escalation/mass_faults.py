"""Mass faults: several key circuits with one cause are told at once, each ticket once, all under one name.

Looked for when an order goes out: whoever hears of the last one finds the others committed. The tickets are locked
before anything is decided, so of two dispatchers that find the same one begins and the other joins.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import orjson

from services.dispatcher.escalation import faults_store, matrix
from services.dispatcher.escalation.cause import Hit, in_common, kinds_of
from services.dispatcher.escalation.matrix import Call
from services.dispatcher.escalation.rules import EscalationRules
from shared.clock import Clock, to_ms
from shared.contracts.event import Event
from shared.db.port import Database, Tx
from shared.ids import NetworkCode, TicketId, new_group_id
from shared.registry.model import SegmentKind
from shared.registry.store import Registry
from shared.tickets import store as tickets
from shared.tickets.changes import Change, Changed, Changes

ACTOR = "system:mass-fault"


@dataclass(frozen=True, slots=True)
class Found:
    """These tickets of one network fail on these kinds of segments; `fault` is the mass fault they join, if known."""

    network: NetworkCode
    kinds: frozenset[SegmentKind]
    tickets: frozenset[TicketId]
    fault: str | None


class MassFaults:
    def __init__(self, database: Database, registry: Registry, clock: Clock, rules: EscalationRules) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock
        self._rules = rules
        self._changes = Changes(clock)

    async def on_events(self, events: Sequence[Event]) -> None:
        """Harmless when repeated: a ticket is told of once. Raises Unavailable."""
        since = self._since()
        issued = [(e.ticket, orjson.loads(e.data)) for e in events if e.type == "order.issued" and to_ms(e.at) >= since]
        by_network: dict[NetworkCode, list[Hit]] = defaultdict(list)
        for hit in await self._hits(
            [(id, data) for id, data in issued if data.get("tier") in self._rules.mass_fault.tiers]
        ):
            by_network[hit.network].append(hit)
        for network, hits in by_network.items():
            for found in await self._look(network, hits):
                await self._database.transact(partial(self._record, found=found))

    def _since(self) -> int:
        return to_ms(self._clock.now() - timedelta(minutes=self._rules.mass_fault.minutes))

    async def _hits(self, issued: Sequence[tuple[TicketId, Mapping[str, Any]]]) -> Sequence[Hit]:
        """Of orders to repair, on segments that several circuits can share."""
        circuits = await self._registry.circuits_as_of({data["circuit"] for _, data in issued})
        found = [
            Hit(ticket, data["network"], kinds_of(circuits[data["circuit"]][0], data["segments"]))
            for ticket, data in issued
            if data["kind"] == "repair" and data["circuit"] in circuits
        ]
        return [hit for hit in found if hit.kinds]

    async def _look(self, network: NetworkCode, new: Sequence[Hit]) -> Sequence[Found]:
        """What the new orders join, and what they begin together with others of late."""
        found, rest = [], new
        for row in await faults_store.active(self._database, network, self._since()):
            kinds = _kinds(row["kinds"])
            joining = frozenset(hit.ticket for hit in rest if hit.kinds & kinds)
            rest = [hit for hit in rest if hit.ticket not in joining]
            if joining:
                found.append(Found(network, kinds, joining, row["id"]))
        if rest and (begun := await self._begun(network)):
            found.append(begun)
        return found

    async def _begun(self, network: NetworkCode) -> Found | None:
        rows = await faults_store.recent(self._database, network, self._since(), self._rules.mass_fault.tiers)
        hits = await self._hits([(row["ticket"], orjson.loads(row["data"])) for row in rows])
        kinds = in_common(hits, least=self._rules.mass_fault.tickets)
        return Found(network, kinds, frozenset(h.ticket for h in hits if h.kinds & kinds), None) if kinds else None

    async def _record(self, tx: Tx, *, found: Found) -> None:
        held, now = await tickets.lock(tx, found.tickets), to_ms(self._clock.now())
        fault = found.fault or await self._there_by_now(tx, found)
        if fault is None:
            if sum(matrix.is_alone(stored.ticket) for stored in held.values()) < self._rules.mass_fault.tickets:
                return
            fault = new_group_id(self._clock.now())
            await faults_store.begin(tx, fault, found.network, ",".join(sorted(found.kinds)), now)
        outcomes = await self._changes.run(tx, [self._told(id, found, fault) for id in held])
        joined = [outcome.ticket.id for outcome in outcomes if isinstance(outcome, Changed) and outcome.entries]
        if joined:
            await faults_store.join(tx, fault, joined, now)

    async def _there_by_now(self, tx: Tx, found: Found) -> str | None:
        """One that another dispatcher has begun since this one looked."""
        rows = await faults_store.active(tx, found.network, self._since())
        return next((str(row["id"]) for row in rows if _kinds(row["kinds"]) & found.kinds), None)

    def _told(self, ticket: TicketId, found: Found, fault: str) -> Change:
        rule = self._rules.mass_fault
        reason = f"several circuits at once in local network {found.network}: {', '.join(sorted(found.kinds))}"
        call = Call(rule.level, "mass_fault", reason, rule.tell, (found.network,), group=fault)
        return Change(ticket, ACTOR, partial(matrix.of_mass_fault, call=call, rules=self._rules))


def _kinds(stored: str) -> frozenset[Any]:
    return frozenset(stored.split(","))
