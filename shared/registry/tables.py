"""The registry's tables. `registry_version` counts every change; processes reload what they hold when it moves."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text

from shared.db.schema import metadata

accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("sector", Text, nullable=False),
    Column("tier", Text, nullable=False),
)

networks = Table(
    "networks",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("province_zh", Text, nullable=False),
    Column("province_en", Text, nullable=False),
)

# A circuit is read and written whole, so its segments are one JSON document beside it.
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
)
by_account = Index("ix_circuits_account", circuits.c.account, circuits.c.id)

# A key's secret is 256 random bits, so its SHA-256 is enough to keep; the secret itself is shown once.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

registry_version = Table(
    "registry_version",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
)

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
ACCOUNT_COLUMNS = tuple(accounts.c.keys())
NETWORK_COLUMNS = tuple(networks.c.keys())
CIRCUIT_COLUMNS = tuple(circuits.c.keys())
KEY_COLUMNS = tuple(api_keys.c.keys())
