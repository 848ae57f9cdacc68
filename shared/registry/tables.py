"""The registry's tables. `registry_version` counts every change; processes read anew what moved.

In each table `version` is the registry's when the row last changed (0: before versions were kept), and what is never
searched is one JSON document, `details`: an account, a circuit, a network is read and written whole.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, text

from shared.db.schema import metadata, partial

accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("sector", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("parent", Text),
    Column("parent_may_read", Boolean, nullable=False, server_default=text("false")),
    Column("details", Text),
    Column("version", BigInteger, nullable=False, server_default=text("0")),
)
has_parent = text("parent IS NOT NULL")
of_parent = partial("ix_accounts_parent", accounts.c.parent, where=has_parent)

networks = Table(
    "networks",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("province_zh", Text, nullable=False),
    Column("province_en", Text, nullable=False),
    Column("details", Text),
    Column("version", BigInteger, nullable=False, server_default=text("0")),
)

circuits = Table(
    "circuits",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("bandwidth_mbps", Integer, nullable=False),
    Column("protected", Boolean, nullable=False),
    Column("a_network", Text, nullable=False),
    Column("a_site", Text, nullable=False),
    Column("z_network", Text, nullable=False),
    Column("z_site", Text, nullable=False),
    Column("segments", Text, nullable=False),
    Column("details", Text),
    Column("version", BigInteger, nullable=False, server_default=text("0")),
)
by_account = Index("ix_circuits_account", circuits.c.account, circuits.c.id)

# One row a change, never updated: `previous` is the version of the change before it, `before` and `after` the whole
# as JSON (None: there was none, there is none any more).
registry_changes = Table(
    "registry_changes",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("previous", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("before", Text),
    Column("after", Text),
)
by_version = Index("ix_registry_changes_version", registry_changes.c.version)

# Rows: `registry` counts the changes above, `keys` those of API keys.
registry_version = Table(
    "registry_version",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
)

CHANGE_COLUMNS = tuple(registry_changes.c.keys())
