"""Subscriptions in and out. One that was deleted stays as a row, for the record, and is found by nothing in here."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, select, update

from services.notifier.model import preferences
from services.notifier.model.keys import Keys
from services.notifier.model.least import with_answering
from services.notifier.model.standing import GOOD, Standing
from services.notifier.model.subscription import Subscription
from services.notifier.store.dropping import drop_lanes
from services.notifier.tables import SUBSCRIPTION_COLUMNS, subscriptions
from shared.clock import from_ms, to_ms
from shared.db.port import Database, Reader, Tx
from shared.db.statement import BulkInsert, Query, Row, any_of
from shared.ids import AccountId, SubscriptionId

LOCK_CLASS = 0x5652_4303  # "VRC", subscriptions of one account

s = subscriptions.c
_COLUMNS = tuple(s[name] for name in SUBSCRIPTION_COLUMNS)
_LIVE = s.deleted_at.is_(None)
PUT = BulkInsert(subscriptions, ("id", "account", "channel", "target", "preferences", "created_at", "secret"))
COUNT = Query(select(func.count().label("n")).where(s.account == bindparam("account"), _LIVE))
# Whole accounts, always: who answers for the least that an account is told depends on all of its subscriptions.
OF_ACCOUNT = Query(select(*_COLUMNS).where(s.account == bindparam("account"), _LIVE))
WITH_IDS = Query(select(*_COLUMNS).where(s.account.in_(select(s.account).where(any_of(s.id, "ids"))), _LIVE))
# Those that events are for: an account's that are not disabled.
OF_ACCOUNTS = Query(select(*_COLUMNS).where(any_of(s.account, "accounts"), _LIVE, s.disabled_at.is_(None)))
# `by` and not `account`: an UPDATE's parameters may not be named like its table's columns.
END = Query(
    update(subscriptions)
    .where(s.id == bindparam("which"), s.account == bindparam("of"), _LIVE)
    .values(deleted_at=bindparam("now"))
    .returning(s.id)
)

# Of before secrets were sealed.
PLAIN = Query(select(s.id, s.secret).where(s.secret.startswith("whsec_")))
SEAL = Query(
    update(subscriptions)
    .where(s.id == bindparam("which"), s.secret == bindparam("plain"))
    .values(secret=bindparam("sealed"))
)


def _subscription(row: Row) -> Subscription:
    return Subscription(
        row["id"], row["account"], row["channel"], row["target"], preferences.decode(row["preferences"]),
        from_ms(row["created_at"]), _keys(row), _standing(row),
    )  # fmt: skip


def _keys(row: Row) -> Keys:
    return Keys(row["secret"], row["generation"], row["former_secret"], _instant(row["former_until"]))


def _standing(row: Row) -> Standing:
    if row["failing_since"] is None:
        return GOOD
    return Standing(_instant(row["failing_since"]), row["warned"], _instant(row["disabled_at"]), row["disabled_for"])


def _instant(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)


async def lock(tx: Tx, account: AccountId) -> None:
    """Until the commit, nobody else adds one for this account."""
    if tx.dialect == "postgresql":
        await tx.raw.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", LOCK_CLASS, account)


async def count(tx: Tx, account: AccountId) -> int:
    (row,) = await tx.fetch(COUNT, account=account)
    return int(row["n"])


async def add(tx: Tx, new: Subscription) -> None:
    wanted = preferences.encode(new.preferences)
    row = (new.id, new.account, new.channel, new.target, wanted, to_ms(new.created_at), new.keys.secret)
    await tx.insert(PUT, [row])


async def get(reader: Reader | Tx, id: SubscriptionId, account: AccountId) -> Subscription | None:
    return next((found for found in await of_account(reader, account) if found.id == id), None)


async def of_account(reader: Reader | Tx, account: AccountId) -> Sequence[Subscription]:
    """Disabled ones too."""
    return with_answering(map(_subscription, await reader.fetch(OF_ACCOUNT, account=account)))


async def by_ids(database: Database | Tx, ids: Iterable[str]) -> dict[str, Subscription]:
    wanted = set(ids)
    found = with_answering(map(_subscription, await database.fetch(WITH_IDS, ids=sorted(wanted))))
    return {subscription.id: subscription for subscription in found if subscription.id in wanted}


async def of_accounts(reader: Reader | Tx, accounts: Iterable[str]) -> Sequence[Subscription]:
    return with_answering(map(_subscription, await reader.fetch(OF_ACCOUNTS, accounts=sorted(set(accounts)))))


async def newest(
    reader: Reader, account: AccountId, *, before: tuple[int, str] | None, most: int
) -> Sequence[Subscription]:
    """Newest first. `before`: creation in ms and id of the last one of the page before."""
    place, found = before or (2**62, ""), await of_account(reader, account)
    older = [s for s in found if (to_ms(s.created_at), s.id) < place]
    return sorted(older, key=lambda s: (s.created_at, s.id), reverse=True)[:most]


async def end(tx: Tx, id: SubscriptionId, account: AccountId, now: datetime) -> bool:
    """No more deliveries, also not of what is owed. False when there is none (any more)."""
    if not await tx.fetch(END, which=id, of=account, now=to_ms(now)):
        return False
    await drop_lanes(tx, id)
    return True


async def plain_secrets(tx: Tx) -> Sequence[tuple[SubscriptionId, str]]:
    """Those of before secrets were sealed."""
    return [(row["id"], row["secret"]) for row in await tx.fetch(PLAIN)]


async def seal(tx: Tx, id: SubscriptionId, plain: str, sealed: str) -> None:
    await tx.fetch(SEAL, which=id, plain=plain, sealed=sealed)
