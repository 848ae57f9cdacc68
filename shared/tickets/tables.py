"""The two tables of the ticket: its log, never updated, and its state, the log's projection."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text, text

from shared.db.schema import metadata, partial

# `state` is the whole ticket as JSON; the columns beside it are what is searched; `head` hashes its last entry.
# `tier`, `breach_at`, `rank_at`: what the promise is by now, and the place in the queues. `look_at`: when the first
# thing about it may be due (`shared.tickets.deadlines`), NULL when nothing ever is. `escalated`: the level of an
# escalation that nobody acknowledged yet.
tickets = Table(
    "tickets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("circuit", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("impact", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("over_at", BigInteger),
    Column("unroutable", Text),
    Column("head", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("tier", Text, nullable=False, server_default="crystal"),
    Column("breach_at", BigInteger, nullable=False, server_default="0"),
    Column("rank_at", BigInteger, nullable=False, server_default="0"),
    Column("look_at", BigInteger),
    Column("escalated", Text),
)

# One open ticket a circuit: what makes a second report of the same outage join, whoever is first.
one_open_ticket = partial(
    "ux_tickets_open_circuit",
    tickets.c.circuit,
    unique=True,
    where=text("over_at IS NULL"),
)
by_account = Index("ix_tickets_account", tickets.c.account, tickets.c.opened_at, tickets.c.id)
by_age = Index("ix_tickets_opened_at", tickets.c.opened_at, tickets.c.id)
by_circuit = Index("ix_tickets_circuit", tickets.c.circuit, tickets.c.opened_at)

# The NOC's queue: tickets that wait to be routed by hand, and why.
is_unroutable = text("unroutable IS NOT NULL")
noc_queue = partial(
    "ix_tickets_unroutable",
    tickets.c.rank_at,
    tickets.c.id,
    where=is_unroutable,
)

is_watched = text("look_at IS NOT NULL")
to_be_looked_at = partial("ix_tickets_look_at", tickets.c.look_at, tickets.c.id, where=is_watched)

# What was escalated and waits for somebody to acknowledge, the most urgent first.
is_escalated = text("escalated IS NOT NULL")
open_escalations = partial(
    "ix_tickets_escalated",
    tickets.c.rank_at,
    tickets.c.id,
    where=is_escalated,
)

# `origin`: from where and by which key, salted (`shared.origin`); empty where the center acted by itself.
ticket_log = Table(
    "ticket_log",
    metadata,
    Column("ticket", Text, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("origin", Text, nullable=False, server_default=text("''")),
)

TICKET_COLUMNS = tuple(tickets.c.keys())
LOG_COLUMNS = tuple(ticket_log.c.keys())
