"""A tier review is proposed for every account, applied whole or not at all, and recorded with who and why."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from sqlalchemy import select

from shared.audit.tables import audit_log
from shared.bus.relay import LOCK_KEY
from shared.db.port import Database, Tx
from shared.db.postgres import PostgresDatabase
from shared.db.statement import Query, Row
from shared.ids import AccountId
from shared.registry.following import Filling, Follower
from shared.registry.model import Account
from shared.registry.store import Registry
from shared.registry.tiers.files import read_scheme
from shared.registry.tiers.store import Overtaken, Proposal, UnknownAccounts, apply, propose
from shared.registry.tiers.tables import tier_reviews
from shared.registry.writing import Author, Writing, put
from shared.testing.clock import START
from tests.cases import SEED

SCHEME = read_scheme(Path(__file__).parents[2] / "deploy/config/tiers/monthly.toml")
TODAY = date(2026, 11, 22)
LATER = date(2027, 6, 1)
BANK, MEDIA, CITY = AccountId("bank"), AccountId("media"), AccountId("city")
REVIEWS = Query(select(tier_reviews).order_by(tier_reviews.c.at, tier_reviews.c.account))
TOMORROW = Author("shell:wang", START + timedelta(days=1))


@pytest.fixture
async def accounts(store: Database) -> Registry:
    """A diamond bank, a crystal media house, a platinum city; and the registry of a process that follows."""
    given = [
        Account(BANK, "银行", "Bank", "finance", "diamond"),
        Account(MEDIA, "传媒", "Media", "other", "crystal"),
        Account(CITY, "市政", "City", "government", "platinum"),
    ]
    await store.transact(lambda tx: put(tx, given, (), (), by=SEED))
    registry = Registry(store)
    await Filling(store, registry).load()
    return registry


async def proposed(store: Database, as_of: date = TODAY, **spend: int) -> Sequence[Proposal]:
    figures = {AccountId(account): Decimal(amount) for account, amount in spend.items()}
    return await store.transact(lambda tx: propose(tx, SCHEME, figures, as_of))


async def applied(store: Database, as_of: date = TODAY, by: Author = SEED, **spend: int) -> int:
    found = await proposed(store, as_of, **spend)
    return await store.transact(lambda tx: apply(tx, SCHEME, found, as_of, by=by))


async def reviews(store: Database) -> list[tuple[str, str, str, str]]:
    rows: Sequence[Row] = await store.fetch(REVIEWS)
    return [(row["account"], row["verdict"], row["before"], row["after"]) for row in rows]


def verdicts(found: Sequence[Proposal]) -> dict[str, tuple[str, str]]:
    return {p.account: (p.finding.verdict, p.finding.tier) for p in found}


async def test_every_account_is_proposed_with_or_without_a_figure(store: Database, accounts: Registry) -> None:
    found = await proposed(store, bank=90_000, media=12_000)
    assert verdicts(found) == {
        BANK: ("demotion", "platinum"), MEDIA: ("promotion", "gold"), CITY: ("unchanged", "platinum")
    }  # fmt: skip


async def test_applied_review_changes_the_tiers_of_every_process(store: Database, accounts: Registry) -> None:
    follower = Follower(store, Filling(store, accounts))
    assert await applied(store, bank=90_000, media=12_000) == 2
    await follower.refresh()
    assert [accounts.tier(id) for id in (BANK, MEDIA, CITY)] == ["platinum", "gold", "platinum"]


async def test_record_says_who_why_and_on_which_figure(store: Database, accounts: Registry) -> None:
    await applied(store, by=TOMORROW, bank=600_000, media=12_000)
    assert await reviews(store) == [(BANK, "unchanged", "diamond", "diamond"), (MEDIA, "promotion", "crystal", "gold")]
    row = (await store.fetch(REVIEWS))[-1]
    assert (row["actor"], row["spend"], row["scheme"], row["as_of"]) == ("shell:wang", "12000", "monthly", "2026-11-22")
    assert row["why"] == "12,000 CNY a month is gold"


async def test_account_without_a_figure_expires_when_its_last_review_is_too_old(
    store: Database, accounts: Registry
) -> None:
    await applied(store, bank=600_000, media=12_000)
    assert verdicts(await proposed(store, date(2027, 5, 21), media=12_000))[BANK] == ("unchanged", "diamond")
    assert verdicts(await proposed(store, LATER, media=12_000))[BANK] == ("expiry", "crystal")


async def test_tier_that_is_only_held_on_to_is_not_earned_anew(store: Database, accounts: Registry) -> None:
    await applied(store, bank=600_000)
    await applied(store, date(2027, 5, 1), by=TOMORROW, bank=90_000)
    assert (await reviews(store))[-1] == (BANK, "held", "diamond", "diamond")
    assert verdicts(await proposed(store, LATER, bank=90_000))[BANK] == ("demotion", "platinum")


async def test_applying_the_same_figures_again_changes_nothing(store: Database, accounts: Registry) -> None:
    await applied(store, bank=90_000, media=12_000)
    assert await applied(store, by=TOMORROW, bank=90_000, media=12_000) == 0


async def test_changed_tiers_are_acts_of_the_audit_trail(store: Database, accounts: Registry) -> None:
    await applied(store, by=TOMORROW, bank=90_000, city=100)
    (act,) = await store.fetch(Query(select(audit_log).where(audit_log.c.action == "tier.changed")))
    assert (act["action"], act["object"], act["actor"]) == ("tier.changed", "account:bank", "shell:wang")
    assert orjson.loads(act["details"])["after"] == "platinum"


async def test_unknown_accounts_are_all_named(store: Database, accounts: Registry) -> None:
    with pytest.raises(UnknownAccounts, match="nobody, somebody"):
        await proposed(store, somebody=1, bank=1, nobody=2)


async def test_proposal_that_was_overtaken_applies_nothing(store: Database, accounts: Registry) -> None:
    found = await proposed(store, bank=90_000, media=12_000)

    async def promote(tx: Tx) -> None:
        writing = await Writing.begin(tx, SEED)
        await writing.put("account", [Account(MEDIA, "传媒", "Media", "other", "jade")])
        await writing.end()

    await store.transact(promote)
    with pytest.raises(Overtaken, match="run it again"):
        await store.transact(lambda tx: apply(tx, SCHEME, found, TODAY, by=SEED))
    assert await reviews(store) == []
    assert verdicts(await proposed(store))[BANK] == ("unchanged", "diamond")


async def test_of_two_reviews_at_once_one_is_applied(store: Database, accounts: Registry) -> None:
    found = await proposed(store, bank=90_000)
    outcomes = await asyncio.gather(
        *(store.transact(lambda tx, by=by: apply(tx, SCHEME, found, TODAY, by=by)) for by in (SEED, TOMORROW)),
        return_exceptions=True,
    )
    assert sorted(map(type, outcomes), key=str) == [Overtaken, int] or outcomes.count(1) == 1
    assert len(await reviews(store)) == 1


async def test_thousand_accounts_are_reviewed_at_once(store: Database) -> None:
    many = [Account(AccountId(f"a{n:04}"), "客户", "Account", "other", "crystal") for n in range(1000)]
    await store.transact(lambda tx: put(tx, many, (), (), by=SEED))
    assert await applied(store, **{account.id: 20_000 for account in many}) == 1000


async def test_review_does_not_wait_for_the_relay_that_leads(postgres_store: PostgresDatabase) -> None:
    leader = await postgres_store.connect()
    await leader.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
    one = Account(BANK, "银行", "Bank", "finance", "gold")
    await postgres_store.transact(lambda tx: put(tx, [one], (), (), by=SEED))
    assert await applied(postgres_store, bank=600_000) == 1
    await leader.close()
