"""The table of tracking links. No token can be made from it: what signs them is derived from the master key."""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from shared.db.schema import metadata

# `contact` is JSON: whom it was given to.
tracking_links = Table(
    "tracking_links",
    metadata,
    Column("id", Text, primary_key=True),
    Column("ticket", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("contact", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)
of_ticket = Index("ix_tracking_links_ticket", tracking_links.c.ticket, tracking_links.c.created_at, tracking_links.c.id)
by_expiry = Index("ix_tracking_links_expires", tracking_links.c.expires_at)

LINK_COLUMNS = tuple(tracking_links.c.keys())
