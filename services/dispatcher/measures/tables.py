"""What was measured of each ticket. Nothing here that could not be made again from `ticket_log` and the registry."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text, text

from shared.db.schema import metadata, partial

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
    Column("breach_at", BigInteger),
    Column("response", BigInteger),
    Column("response_target", BigInteger),
    *(Column(f"{promise}_verdict", Text) for promise in ("response", "update", "report")),
    *(Column(name, BigInteger, nullable=False) for name in ("pending", "held")),
    *(
        Column(name, BigInteger)
        for name in ("take_in", "dispatch", "acceptance", "diagnosis", "repair", "confirmation")
    ),
    *(Column(name, Integer, nullable=False) for name in ("reports", "reopened", "chases", "escalations")),
    Column("unacknowledged", Text),
    Column("fault_report_at", BigInteger),
    Column("foretold_basis", Text),
    *(Column(name, BigInteger) for name in ("foretold_from", "foretold_at", "foretold_to")),
)
is_restored = text("restored_at IS NOT NULL")
by_restoration = partial("ix_measures_restored_at", measures.c.restored_at, where=is_restored)
by_account = partial(
    "ix_measures_account", measures.c.account, measures.c.restored_at, where=is_restored,
)  # fmt: skip

runs = text("breach_at IS NOT NULL")
by_breach = partial("ix_measures_breach_at", measures.c.breach_at, measures.c.tier, where=runs)

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

# All measures added up (`totals`), changed in the transaction that changes a measure. `labels` is a JSON array of
# their values, `bound` the upper bound in ms of a histogram's bucket, 0 where there is none.
measure_totals = Table(
    "measure_totals",
    metadata,
    Column("name", Text, primary_key=True),
    Column("labels", Text, primary_key=True),
    Column("bound", BigInteger, primary_key=True, autoincrement=False),
    Column("n", BigInteger, nullable=False),
    Column("ms", BigInteger, nullable=False),
)

# `write`: whoever holds it may write measures; `version` is that of what they are added up to. `walk`: `walked_to` is
# where the walk through all tickets stands.
measuring = Table(
    "measuring",
    metadata,
    Column("name", Text, primary_key=True),
    Column("walked_to", Text, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
)

MEASURE_COLUMNS = tuple(measures.c.keys())
SHARE_COLUMNS = tuple(network_shares.c.keys())
TOTAL_COLUMNS = tuple(measure_totals.c.keys())
COUNT_COLUMNS = tuple(measured_counts.c.keys())
