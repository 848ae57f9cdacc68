"""What was measured of each ticket. Nothing here that could not be made again from `ticket_log` and the registry."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text, text

from shared.db.schema import metadata

_TEXT = (
    "account", "circuit", "service", "tier", "impact", "status", "network", "province", "segment", "segment_kind",
    "cause", "remedy_code", "policy",
)  # fmt: skip
_ALWAYS = frozenset({"account", "circuit", "tier", "impact", "status", "opened_at", "reported_at", "pending", "held"})

# One row a ticket, by the fields of `measure.Measure`; `head` is the hash of the last entry and
# `rules` the version of the rules that it was measured by.
measures = Table(
    "measures",
    metadata,
    Column("ticket", Text, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Column("rules", Integer, nullable=False),
    *(Column(name, Text, nullable=name not in _ALWAYS) for name in _TEXT),
    *(
        Column(name, BigInteger, nullable=name not in _ALWAYS)
        for name in ("opened_at", "reported_at", "accepted_at", "restored_at", "over_at")
    ),
    Column("time_to_repair", BigInteger),
    Column("counted", BigInteger),
    Column("restore_target", BigInteger),
    Column("verdict", Text),
    Column("response", BigInteger),
    Column("response_target", BigInteger),
    Column("response_verdict", Text),
    *(Column(name, BigInteger, nullable=False) for name in ("pending", "held")),
    *(
        Column(name, BigInteger)
        for name in ("take_in", "dispatch", "acceptance", "diagnosis", "repair", "confirmation")
    ),
    *(Column(name, Integer, nullable=False) for name in ("reports", "reopened", "chases", "escalations")),
    Column("unacknowledged", Text),
    Column("fault_report_at", BigInteger),
)
is_restored = text("restored_at IS NOT NULL")
by_restoration = Index(
    "ix_measures_restored_at", measures.c.restored_at, postgresql_where=is_restored, sqlite_where=is_restored
)
by_account = Index(
    "ix_measures_account", measures.c.account, measures.c.restored_at, postgresql_where=is_restored,
    sqlite_where=is_restored,
)  # fmt: skip

# A row each time a network held an order of the ticket, `number` from 0: its own share.
network_shares = Table(
    "network_shares",
    metadata,
    Column("ticket", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("order", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("began_at", BigInteger, nullable=False),
    Column("accepted_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("ended_by", Text),
    Column("counted", BigInteger, nullable=False),
)
by_network = Index("ix_network_shares_network", network_shares.c.network, network_shares.c.ended_at)

# Suspended time by clock and reason, escalations by level, missed deadlines by kind: see `measure.Count`.
measured_counts = Table(
    "measured_counts",
    metadata,
    Column("ticket", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("which", Text, primary_key=True),
    Column("n", Integer, nullable=False),
    Column("ms", BigInteger, nullable=False),
)

# One row: whoever holds it may write measures. `walked_to` is where the walk through all tickets stands.
measuring = Table(
    "measuring",
    metadata,
    Column("name", Text, primary_key=True),
    Column("walked_to", Text, nullable=False),
    Column("due_at", BigInteger, nullable=False),
)

MEASURE_COLUMNS = tuple(measures.c.keys())
SHARE_COLUMNS = tuple(network_shares.c.keys())
COUNT_COLUMNS = tuple(measured_counts.c.keys())
