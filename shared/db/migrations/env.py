"""Alembic's entry: one history for both databases, on the connection it is handed."""

from alembic import context

from shared.db.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,  # for its naming convention: what is unnamed here is named as the tables' own code does
    version_table="vrc_schema",
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
