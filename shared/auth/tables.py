"""The keys' tables. Of a key only a keyed hash is kept: the table alone lets nobody in and checks no guess."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from shared.db.schema import metadata

# `grants` are an account's scopes or an operator's duties, `addresses` networks in CIDR form: JSON lists.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    Column("role", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("grants", Text, nullable=False),
    Column("addresses", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("last_used_at", BigInteger),
)
by_subject = Index("ix_api_keys_subject", api_keys.c.role, api_keys.c.subject)

# One row: a mark of the master key that the database is under, from which the key can't be had.
master_key = Table(
    "master_key",
    metadata,
    Column("name", Text, primary_key=True),
    Column("mark", LargeBinary, nullable=False),
)

KEY_COLUMNS = tuple(api_keys.c.keys())
