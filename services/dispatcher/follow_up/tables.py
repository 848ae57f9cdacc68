"""When to look at which closed ticket, whose cases are open, and the surveys of each quarter."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, text

from shared.db.schema import metadata, partial

# A closed ticket; `look_at` NULL: nothing more is due. `answer`: asked, satisfied, dissatisfied, unanswered; NULL: not
# asked yet. `owner`, `case_due_at` while a dissatisfied customer's case is open.
follow_ups = Table(
    "follow_ups",
    metadata,
    Column("ticket", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("closed_at", BigInteger, nullable=False),
    Column("look_at", BigInteger),
    Column("answer", Text),
    Column("score", Integer),
    Column("owner", Text),
    Column("case_due_at", BigInteger),
)
is_watched = text("look_at IS NOT NULL")
to_be_looked_at = partial(
    "ix_follow_ups_look_at", follow_ups.c.look_at, follow_ups.c.ticket, where=is_watched,
)  # fmt: skip
is_case = text("case_due_at IS NOT NULL")
cases = partial("ix_follow_ups_case", follow_ups.c.case_due_at, follow_ups.c.ticket, where=is_case)

by_closing = Index("ix_follow_ups_closed_at", follow_ups.c.closed_at)

# One question a quarter and account; it rides on `ticket`, the account's latest.
surveys = Table(
    "surveys",
    metadata,
    Column("account", Text, primary_key=True),
    Column("quarter", Text, primary_key=True),
    Column("ticket", Text, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("answer_by", BigInteger, nullable=False),
    Column("answered_at", BigInteger),
    Column("score", Integer),
    Column("comment", Text),
)

FOLLOW_UP_COLUMNS = tuple(follow_ups.c.keys())
SURVEY_COLUMNS = tuple(surveys.c.keys())
