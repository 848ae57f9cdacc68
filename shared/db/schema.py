"""The one metadata every table registers in, whoever owns it; migrations are checked against it."""

from typing import Any

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, LargeBinary, MetaData, Table, Text, TextClause

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

# BIGINT on PostgreSQL; SQLite only auto-numbers a column that is INTEGER to the letter.
Position = BigInteger().with_variant(Integer(), "sqlite")


def partial(name: str, *columns: Column[Any], where: TextClause, unique: bool = False) -> Index:
    """An index of the rows that meet `where`, which stands in its `info`.

    SQLAlchemy's own arguments for it load all its dialects of PostgreSQL, 3 MiB that an embedded center never needs.
    """
    return Index(name, *columns, unique=unique, info={"where": where.text})


# What was already done for whom: an Idempotency-Key of a caller, or a message id of a sender.
# `ticket` and `seq` say where the log stood afterwards, so that the same answer can be made again.
inbox = Table(
    "inbox",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("ticket", Text),
    Column("seq", Integer),
    Column("at", BigInteger, nullable=False),
)

# What still has to be published: pointers into the ticket log, deleted once the broker has acknowledged.
# Used on PostgreSQL only: on SQLite, with its single writer, the log's own row order is the queue.
outbox = Table(
    "outbox",
    metadata,
    Column("position", Position, Identity(always=True), primary_key=True),
    Column("ticket", Text, nullable=False),
    Column("seq", Integer, nullable=False),
)

# How far each consumer of the embedded bus has read.
bus_positions = Table(
    "bus_positions",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("position", Position, nullable=False),
)

inbox_age = Index("ix_inbox_at", inbox.c.at)
