"""Tier reviews in and out of the database: what is proposed for each account, what was decided, by whom and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from sqlalchemy import func, select

from shared.audit.trail import Act, record
from shared.clock import to_ms
from shared.db.port import Tx
from shared.db.statement import BulkInsert, Query
from shared.ids import AccountId
from shared.registry.model import Account
from shared.registry.shelves import SHELVES
from shared.registry.tables import accounts
from shared.registry.tiers.scheme import CHANGES, Finding, Scheme, Standing, review
from shared.registry.tiers.tables import REVIEW_COLUMNS, tier_reviews
from shared.registry.writing import Author, Writing, in_parts

a, r = accounts.c, tier_reviews.c
ACCOUNTS = Query(select(a.id, a.name_zh, a.name_en, a.sector, a.tier).order_by(a.id))
# A tier that was only held on to was not earned that day: else holding it would never end.
EARNED = Query(select(r.account, func.max(r.as_of).label("as_of")).where(r.verdict != "held").group_by(r.account))
PUT = BulkInsert(tier_reviews, REVIEW_COLUMNS)


class UnknownAccounts(ValueError):
    """These have a figure and are in no registry."""

    def __init__(self, accounts: Sequence[AccountId]) -> None:
        super().__init__(f"unknown accounts: {', '.join(accounts)}")
        self.accounts = accounts


class Overtaken(Exception):
    """Accounts or reviews have changed since the proposal was made: it is to be made anew."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """`spend` None: there is no figure for this account."""

    account: AccountId
    name_zh: str
    name_en: str
    sector: str
    before: str
    spend: Decimal | None
    finding: Finding

    @property
    def changes(self) -> bool:
        return self.finding.verdict in CHANGES

    @property
    def is_review(self) -> bool:
        """Whether it goes into the record: not where there was neither a figure nor a change."""
        return self.changes or self.spend is not None


async def propose(tx: Tx, scheme: Scheme, spend: Mapping[AccountId, Decimal], as_of: date) -> Sequence[Proposal]:
    """One for each account, in order of id. Raises UnknownAccounts."""
    earned = {row["account"]: date.fromisoformat(row["as_of"]) for row in await tx.fetch(EARNED)}
    rows = await tx.fetch(ACCOUNTS)
    if unknown := sorted(spend.keys() - {row["id"] for row in rows}):
        raise UnknownAccounts(unknown)
    found = []
    for row in rows:
        id, figure = AccountId(row["id"]), spend.get(AccountId(row["id"]))
        finding = review(scheme, Standing(row["sector"], row["tier"], earned.get(id)), figure, as_of)
        found.append(Proposal(id, row["name_zh"], row["name_en"], row["sector"], row["tier"], figure, finding))
    return found


async def apply(tx: Tx, scheme: Scheme, proposed: Sequence[Proposal], as_of: date, *, by: Author) -> int:
    """All or nothing; answers how many tiers have changed. Raises Overtaken when the ground has moved since."""
    writing = await Writing.begin(tx, by)
    spend = {p.account: p.spend for p in proposed if p.spend is not None}
    try:
        same = await propose(tx, scheme, spend, as_of) == proposed
    except UnknownAccounts:
        same = False
    if not same:
        raise Overtaken("Accounts or reviews have changed since this was proposed; nothing was applied: run it again.")
    tiers = {p.account: p.finding.tier for p in proposed if p.changes}
    for some in in_parts(tiers):
        rows = await tx.fetch(SHELVES["account"].read, ids=list(some))
        held = [SHELVES["account"].of(row) for row in rows]
        await writing.put("account", [replace(x, tier=tiers[x.id]) for x in held if isinstance(x, Account)])
    await writing.end()
    reviews = [_row(p, scheme, as_of, by) for p in proposed if p.is_review]
    for rows_ in in_parts(reviews):
        await tx.insert(PUT, rows_)
    if tiers:
        await record(tx, *(_act(p, scheme, by) for p in proposed if p.changes))
    return len(tiers)


def _row(p: Proposal, scheme: Scheme, as_of: date, by: Author) -> tuple[str | int | None, ...]:
    spend = None if p.spend is None else str(p.spend)
    decided = (p.finding.verdict, p.before, p.finding.tier, p.finding.why)
    return p.account, to_ms(by.at), as_of.isoformat(), scheme.name, spend, *decided, by.actor


def _act(p: Proposal, scheme: Scheme, by: Author) -> Act:
    details = {"before": p.before, "after": p.finding.tier, "verdict": p.finding.verdict, "scheme": scheme.name}
    return Act(by.at, by.actor, "tier.changed", f"account:{p.account}", details, by.origin)
