"""Recording an act: one appended row, chained to the one before, in the transaction of what was done.

Whoever records holds the chain's head until its commit: acts take turns. That is off the path of reports, and a row
that is in the table is in the chain. Record last in a transaction: nothing else is then waited for while it is held.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

import orjson
from sqlalchemy import bindparam, update

from shared.audit.tables import AUDIT_COLUMNS, audit_head, audit_log
from shared.clock import to_ms
from shared.db.port import Tx
from shared.db.statement import BulkInsert, Query
from shared.origin import Origin
from shared.tickets.log import GENESIS

Action = Literal[
    "signin.succeeded",
    "signin.refused",
    "signin.ended",
    "breakglass.used",
    "breakglass.set",
    "breakglass.removed",
    "key.issued",
    "key.rotated",
    "key.revoked",
    "registry.imported",
    "registry.changed",
    "tier.changed",
    "network.provisioned",
    "subscription.made",
    "subscription.ended",
    "link.made",
    "link.revoked",
    "subscription.changed",
    "subscription.secret_rotated",
    "subscription.disabled",
    "subscription.enabled",
    "subscription.tested",
    "subscription.replayed",
    "export.made",
    "request.refused",
    "schema.migrated",
    "anchor.made",
    "master_key.adopted",
]
HEAD = "audit"
NOWHERE = Origin()
APPENDED = "vrc_audit"  # the channel announced whenever the trail grew
Fields = tuple[int, str, str, str, str, str, str]  # at in ms, actor, credential, address, action, object, details

PUT = BulkInsert(audit_log, AUDIT_COLUMNS)
_LOCK = (
    "INSERT INTO audit_head (name, position, hash, sealed_position, seal)"
    f" VALUES ('{HEAD}', 0, {{genesis}}, 0, {{empty}})"
    " ON CONFLICT (name) DO UPDATE SET position = audit_head.position RETURNING position, hash"
)
LOCK_POSTGRESQL = _LOCK.format(genesis=rf"'\x{GENESIS.hex()}'::bytea", empty=r"'\x'::bytea")
LOCK_SQLITE = _LOCK.format(genesis=f"x'{GENESIS.hex()}'", empty="x''")
MOVE = Query(
    update(audit_head)
    .where(audit_head.c.name == HEAD)
    .values(position=bindparam("to"), hash=bindparam("head"))
    .returning(audit_head.c.position)
)


@dataclass(frozen=True, slots=True)
class Act:
    """`actor` as the ticket log names it (`operator:li`), `object` is `<kind>:<id>`.

    `details` hold what a reader needs and the object does not say: no secrets, nothing that a reporter wrote.
    """

    at: datetime
    actor: str
    action: Action
    object: str
    details: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin = NOWHERE

    def fields(self) -> Fields:
        details = orjson.dumps(self.details, option=orjson.OPT_SORT_KEYS).decode()
        o = self.origin
        return to_ms(self.at), self.actor, o.credential, o.address, self.action, self.object, details


def link(previous: bytes, position: int, fields: Fields) -> bytes:
    """The chain's next hash: SHA-256 of the one before it and the row as a JSON array."""
    return sha256(previous + orjson.dumps((position, *fields))).digest()


async def record(tx: Tx, *acts: Act) -> None:
    position, previous = await lock_head(tx)
    rows: list[tuple[Any, ...]] = []
    for act in acts:
        position, fields = position + 1, act.fields()
        hash = link(previous, position, fields)
        rows.append((position, *fields, previous, hash))
        previous = hash
    await tx.insert(PUT, rows)
    await tx.fetch(MOVE, to=position, head=previous)
    tx.announce(APPENDED)


async def lock_head(tx: Tx) -> tuple[int, bytes]:
    """Position and hash of the last act, which stays the last until this transaction ends."""
    found: Sequence[Any]
    if tx.dialect == "postgresql":
        found = await tx.raw.fetch(LOCK_POSTGRESQL)
    else:
        found = tx.raw.execute(LOCK_SQLITE).fetchall()
    return found[0]["position"], bytes(found[0]["hash"])
