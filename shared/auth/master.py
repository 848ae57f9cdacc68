"""Under which master key a database is: what was made under one is void under another, which nobody takes by mistake.

What is kept is derived from the key and tells nothing of it. Databases of before kept nothing: there the audit trail's
seal tells.
"""

import hmac
from datetime import datetime

from sqlalchemy import bindparam, select, update

from shared.audit import store as audit
from shared.audit.signing import Signer
from shared.audit.tables import audit_head
from shared.audit.trail import HEAD
from shared.auth.store import revoke_all
from shared.auth.tables import master_key
from shared.db.port import Database, Reader, Tx
from shared.db.statement import BulkInsert, Query
from shared.secrets import Secrets

PURPOSE = "master-key-mark"
NAME = "center"
MARK = Query(select(master_key.c.mark).where(master_key.c.name == NAME))
PUT = BulkInsert(master_key, ("name", "mark"), conflict="DO NOTHING")
REPLACE = BulkInsert(master_key, ("name", "mark"), conflict="(name) DO UPDATE SET mark = excluded.mark")
UNSEAL = Query(
    update(audit_head)
    .where(audit_head.c.name == HEAD)
    .values(sealed_position=0, seal=bindparam("seal"))
    .returning(audit_head.c.position)
)


async def has_one(database: Reader) -> bool:
    """Whether the database is under a master key, whichever."""
    return bool(await database.fetch(MARK)) or (await audit.ends(database)).sealed_position > 0


async def is_under(database: Database, secrets: Secrets) -> bool:
    """Whether the database is under this key; one that was under none is from now on."""
    mark = secrets.derive(PURPOSE)
    if not await database.fetch(MARK):
        if not await _seal_fits(database, secrets):
            return False
        await database.transact(lambda tx: tx.insert(PUT, [(NAME, mark)]))
    (row,) = await database.fetch(MARK)
    return hmac.compare_digest(bytes(row["mark"]), mark)


async def adopt(tx: Tx, secrets: Secrets, now: datetime) -> int:
    """Put the database under this key: how many API keys ended. The keeper follows the whole trail, then seals it."""
    await tx.insert(REPLACE, [(NAME, secrets.derive(PURPOSE))])
    await tx.fetch(UNSEAL, seal=b"")
    return await revoke_all(tx, now)


async def _seal_fits(database: Reader, secrets: Secrets) -> bool:
    ends = await audit.ends(database)
    if not ends.sealed_position:
        return True
    rows = await audit.acts(database, after=ends.sealed_position - 1, until=ends.sealed_position)
    signer = Signer(secrets.derive("audit"))
    return bool(rows) and ends.seal == signer.seal(ends.sealed_position, bytes(rows[0]["hash"]))
