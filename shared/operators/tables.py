"""The operators' tables: sessions by the hash of their cookie, the break-glass account, who an operator is."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, Text

from shared.db.schema import metadata

# `duties` are words separated by spaces. `id_token` is shown to the provider at sign-out, and no credential here.
operator_sessions = Table(
    "operator_sessions",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("duties", Text, nullable=False),
    Column("way", Text, nullable=False),
    Column("id_token", Text),
    Column("began_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
)

# One row, or none: then the account does not exist. `failures` are those since the last success.
break_glass = Table(
    "break_glass",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("set_at", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked_until", BigInteger, nullable=False),
)

SESSION_COLUMNS = tuple(operator_sessions.c.keys())
BREAK_GLASS_COLUMNS = tuple(break_glass.c.keys())
