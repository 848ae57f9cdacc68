"""The shapes in which rows of the busiest statements travel to PostgreSQL: one parameter instead of one a column.

The number in a name is the shape's: processes of the version before go on with theirs until they are replaced.
"""

from alembic import op

revision = "0019"
down_revision = "0018"

TYPES = {
    "opening_1": """
        id text, account text, circuit text, status text, impact text, opened_at bigint, updated_at bigint,
        over_at bigint, unroutable text, head bytea, state text, tier text, breach_at bigint, rank_at bigint,
        look_at bigint, escalated text, log_type text, log_actor text, log_data text, log_origin text, scope
        text, key text, digest bytea""",
    "change_1": """
        id text, status text, impact text, updated_at bigint, over_at bigint, unroutable text, head bytea, state
        text, tier text, breach_at bigint, rank_at bigint, look_at bigint, escalated text, read bytea""",
    "log_entry_1": """
        ticket text, seq int, at bigint, type text, actor text, account text, status text, data text, hash
        bytea, origin text""",
    "answer_1": """
        scope text, key text, digest bytea, ticket text, seq int, at bigint""",
    "issue_1": """
        id text, ticket text, network text, state text, issued_at bigint, updated_at bigint, data text,
        accepted_at bigint, restored_at bigint""",
    "order_move_1": """
        id text, ticket text, state text, updated_at bigint, accepted_at bigint, restored_at bigint""",
}


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name, attributes in TYPES.items():
            op.execute(f"CREATE TYPE {name} AS ({attributes})")
