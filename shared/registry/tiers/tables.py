"""The record of tier reviews."""

from sqlalchemy import BigInteger, Column, Table, Text

from shared.db.schema import metadata

# Every tier review of every account, appended: what was decided, why, and by whom. `at` is when, `as_of` for which day.
tier_reviews = Table(
    "tier_reviews",
    metadata,
    Column("account", Text, primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("as_of", Text, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("spend", Text),
    Column("verdict", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("actor", Text, nullable=False),
)

REVIEW_COLUMNS = tuple(tier_reviews.c.keys())
