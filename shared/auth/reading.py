"""What a caller reads through: for an account, PostgreSQL itself keeps it to the accounts that it may read."""

from shared.auth.principal import Principal
from shared.db.port import Database, Reader


def reader_for(caller: Principal, database: Database) -> Reader:
    """A network's orders and an operator's tickets are of any account: the queries' conditions are what keeps those."""
    if caller.role not in ("account", "link") or caller.reads is None:
        return database
    return database.within(caller.reads)
