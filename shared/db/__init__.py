"""The store: one port over SQLite (embedded) and PostgreSQL, group commit, inbox, relay, migrations.

Statements are SQLAlchemy Core, compiled once and run by the raw driver; the few hot ones are spelled out for each
database. Tables live with their owners and register in `schema.metadata`. Nothing in here knows a ticket.
"""
