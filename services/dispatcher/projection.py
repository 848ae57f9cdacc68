"""`repair_orders` kept in step with the facts: a row an order as the facts just recorded leave it, saved with them.

What several facts of one batch do to an order is put together first: one statement changes a row once at most.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.dispatcher.tables import repair_orders
from shared.clock import to_ms
from shared.contracts import facts as f
from shared.db.port import Tx
from shared.db.statement import JsonRows, RowType
from shared.ids import NetworkCode, OrderId, TicketId
from shared.tickets.log import Entry
from shared.tickets.model import OrderState
from shared.tickets.saving import Recorded

MOVED: dict[type[f.Fact], OrderState] = {
    f.OrderAccepted: "accepted",
    f.OrderDeclined: "declined",
    f.OrderHandedOver: "handed_over",
    f.ServiceRestored: "restored",
    f.OrderStoodDown: "stood_down",
}
ISSUED = ("id", "ticket", "network", "state", "issued_at", "updated_at", "data", "accepted_at", "restored_at")
MOVES = ("id", "ticket", "state", "updated_at", "accepted_at", "restored_at")
STANDING = ("tier", "breach_at", "rank_at")
_INTO = f"""INSERT INTO repair_orders ({", ".join((*ISSUED, *STANDING))})
  SELECT v.*, {", ".join(f"s.{name}" for name in STANDING)} FROM"""
_AGAIN = f"""
  ON CONFLICT (id) DO UPDATE SET {", ".join(f"{c} = excluded.{c}" for c in (*ISSUED[3:], *STANDING))}"""
_MOVE = """
  UPDATE repair_orders AS o SET state = v.state, updated_at = v.updated_at,
    accepted_at = coalesce(v.accepted_at, o.accepted_at), restored_at = coalesce(v.restored_at, o.restored_at)"""
ISSUES = RowType("issue_1", {name: repair_orders.c[name] for name in ISSUED})
ORDER_MOVES = RowType("order_move_1", {name: repair_orders.c[name] for name in MOVES})
_ISSUED, _MOVES = JsonRows.of(repair_orders, ISSUED), JsonRows.of(repair_orders, MOVES)
ISSUE_SQLITE = f"{_INTO} ({_ISSUED.select}) v CROSS JOIN tickets s WHERE s.id = v.ticket {_AGAIN}"
MOVE_SQLITE = f"{_MOVE} FROM ({_MOVES.select}) v WHERE o.id = v.id"


@dataclass(slots=True)
class _Row:
    """`issued` (to which network, when, by which fact) if it was in this batch: then the row stands for the order as
    a whole, and else for what changes of it."""

    ticket: TicketId
    state: OrderState
    updated_at: int
    issued: tuple[NetworkCode, int, str] | None = None
    accepted_at: int | None = None
    restored_at: int | None = None


class KeptOrders:
    """Each order takes its ticket's standing along, within the one statement."""

    def postgresql(self, first: int) -> str:
        return f""",
issued AS ({_INTO} {ISSUES.unnest(first)} v JOIN saved s ON s.id = v.ticket {_AGAIN}),
moved AS ({_MOVE} FROM {ORDER_MOVES.unnest(first + 2)} v
  WHERE o.id = v.id AND o.id = ANY(${first + 1}::text[]) AND v.ticket IN (SELECT id FROM saved))"""

    def arguments(self, recorded: Recorded) -> Sequence[Any]:
        issued, moves = _rows(recorded)
        return issued, [row[0] for row in moves], moves

    async def sqlite(self, tx: Tx, recorded: Recorded) -> None:
        for sql, shape, rows in zip((ISSUE_SQLITE, MOVE_SQLITE), (_ISSUED, _MOVES), _rows(recorded), strict=True):
            if rows:
                tx.raw.execute(sql, shape.parameters(rows))


def _rows(recorded: Recorded) -> tuple[Sequence[tuple[Any, ...]], Sequence[tuple[Any, ...]]]:
    """As ISSUED and as MOVES, each by order: so two batches never wait for each other."""
    found: dict[OrderId, _Row] = {}
    for entry, fact in recorded:
        if isinstance(fact, f.OrderIssued):
            at = to_ms(entry.at)
            found[fact.order] = _Row(entry.ticket, "issued", at, (fact.network, at, entry.data.decode()))
        elif state := MOVED.get(type(fact)):
            _move(found, entry, fact, state)
    issued, moves = [], []
    for id, row in sorted(found.items()):
        times = row.accepted_at, row.restored_at
        if row.issued:
            network, at, data = row.issued
            issued.append((id, row.ticket, network, row.state, at, row.updated_at, data, *times))
        else:
            moves.append((id, row.ticket, row.state, row.updated_at, *times))
    return issued, moves


def _move(found: dict[OrderId, _Row], entry: Entry, fact: Any, state: OrderState) -> None:
    at = to_ms(entry.at)
    row = found.setdefault(fact.order, _Row(entry.ticket, state, at))
    row.state, row.updated_at = state, at
    if state == "accepted":
        row.accepted_at = at
    if isinstance(fact, f.ServiceRestored):
        row.restored_at = to_ms(fact.restored_at)
