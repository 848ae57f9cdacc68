"""The audit trail's tables. Rows of `audit_log`, `audit_anchors` and `anchored_heads` are inserted, and that is all."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from shared.db.schema import metadata

# `position` counts 1, 2, … without a gap; `hash` covers `previous`, which is the hash of the row before, and the rest.
audit_log = Table(
    "audit_log",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("credential", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
by_age = Index("ix_audit_log_at", audit_log.c.at, audit_log.c.position)
by_actor = Index("ix_audit_log_actor", audit_log.c.actor, audit_log.c.position)
by_object = Index("ix_audit_log_object", audit_log.c.object, audit_log.c.position)

# One row: where the chain ends, and up to where it was sealed by a key that is not in the database.
audit_head = Table(
    "audit_head",
    metadata,
    Column("name", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("sealed_position", BigInteger, nullable=False),
    Column("seal", LargeBinary, nullable=False),
)

# One row a day: the signed line, byte for byte as it is to be kept elsewhere too.
audit_anchors = Table(
    "audit_anchors",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("line", Text, nullable=False),
)

# Which entry each ticket's log ended with, for the tickets that had grown since the anchor before.
anchored_heads = Table(
    "anchored_heads",
    metadata,
    Column("ticket", Text, primary_key=True),
    Column("anchor", Integer, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
by_anchor = Index("ix_anchored_heads_anchor", anchored_heads.c.anchor, anchored_heads.c.ticket)

AUDIT_COLUMNS = tuple(audit_log.c.keys())
