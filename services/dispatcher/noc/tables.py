"""What the dispatcher keeps for the NOC: refused progress, early warnings, signs of life of the local networks."""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from shared.db.schema import metadata

# Progress that was not taken, once a message: who sent it, about what, and why it was refused.
refused_progress = Table(
    "refused_progress",
    metadata,
    Column("source", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("network", Text, nullable=False),
    Column("order_id", Text),
    Column("type", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
by_age = Index("ix_refused_progress_at", refused_progress.c.at, refused_progress.c.source, refused_progress.c.id)

# Those of them that their networks have not been told of yet; deleted once the broker has acknowledged it.
untold_refusals = Table(
    "untold_refusals",
    metadata,
    Column("at", BigInteger, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("id", Text, primary_key=True),
)

# What the center noticed, once a subject and `mark`: the newest ticket, or the day, that made it be noticed. Until
# `quiet_until` the same subject is not warned of again. `account` is whose it is, NULL where it is several accounts'.
warnings = Table(
    "warnings",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("mark", Text, primary_key=True),
    Column("account", Text),
    Column("raised_at", BigInteger, nullable=False),
    Column("quiet_until", BigInteger, nullable=False),
    Column("data", Text, nullable=False),
)
by_raising = Index("ix_warnings_raised_at", warnings.c.raised_at, warnings.c.kind, warnings.c.subject)

# The last signs of life of each local network, by door: it looked at its orders over HTTP; it said something.
network_signs = Table(
    "network_signs",
    metadata,
    Column("network", Text, primary_key=True),
    Column("looked_at", BigInteger),
    Column("spoke_at", BigInteger),
)

WARNING_COLUMNS = tuple(warnings.c.keys())
SIGN_COLUMNS = tuple(network_signs.c.keys())
REFUSED_COLUMNS = tuple(refused_progress.c.keys())
