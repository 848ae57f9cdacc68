"""Mass faults: several key circuits with one cause."""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from shared.db.schema import metadata

# `kinds` of segments that its tickets share, separated by commas; `latest_at` is when the last ticket joined.
mass_faults = Table(
    "mass_faults",
    metadata,
    Column("id", Text, primary_key=True),
    Column("network", Text, nullable=False),
    Column("kinds", Text, nullable=False),
    Column("began_at", BigInteger, nullable=False),
    Column("latest_at", BigInteger, nullable=False),
)
by_network = Index("ix_mass_faults_network", mass_faults.c.network, mass_faults.c.latest_at)
by_beginning = Index("ix_mass_faults_began_at", mass_faults.c.began_at, mass_faults.c.id)

mass_fault_tickets = Table(
    "mass_fault_tickets",
    metadata,
    Column("ticket", Text, primary_key=True),
    Column("fault", Text, nullable=False),
)
by_fault = Index("ix_mass_fault_tickets_fault", mass_fault_tickets.c.fault, mass_fault_tickets.c.ticket)
