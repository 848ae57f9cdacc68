"""Many changes of the registry at once: all of them or none, however many, and what they would change without doing it.

Faults are collected, not only the first; after one nothing more is written, and the transaction is rolled back. An
entry that is named must exist at the end, not at that moment: the order does not matter.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import bindparam, or_, select

from shared.db.port import Database, Tx
from shared.db.statement import Query, any_of
from shared.ids import AccountId
from shared.registry import tables as t
from shared.registry.model import Circuit
from shared.registry.rules import Path, check, names
from shared.registry.shelves import SHELVES, Entry, Kind
from shared.registry.writing import TOGETHER, Author, Change, Writing, in_parts
from shared.tickets.tables import tickets

MOST_FAULTS = 20
MOST_SHOWN = 1_000  # differences kept to be shown; all are counted
Place = Callable[[Path], tuple[str, str]]
Leaving = Callable[[Tx, Kind, Sequence[str]], Awaitable[None]]
KINDS: tuple[Kind, ...] = ("network", "account", "circuit")
OPEN = Query(
    select(tickets.c.circuit, tickets.c.id, tickets.c.account).where(
        any_of(tickets.c.circuit, "circuits"), tickets.c.over_at.is_(None)
    )
)
_c = t.circuits.c
OF_ACCOUNTS = Query(select(_c.id, _c.account.label("of")).where(any_of(_c.account, "ids")).limit(MOST_FAULTS))
CHILDREN_OF = Query(
    select(t.accounts.c.id, t.accounts.c.parent.label("of"))
    .where(any_of(t.accounts.c.parent, "ids"))
    .limit(MOST_FAULTS)
)
OVER_NETWORK = Query(
    select(_c.id)
    .where(
        or_(
            _c.a_network == bindparam("code"),
            _c.z_network == bindparam("code"),
            _c.segments.contains(bindparam("mark")),
        )
    )
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Fault:
    """`where` is a file and line, or a place in a request's body."""

    where: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.field + ': ' if self.field else ''}{self.message}"


@dataclass(frozen=True, slots=True)
class Item:
    """An entry as it was read; `place` finds the file, line and field of a path into it."""

    kind: Kind
    entry: Entry
    place: Place


class ImportRefused(Exception):
    """Nothing was changed. `faults` are at most MOST_FAULTS."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Difference:
    kind: Kind
    id: str
    what: str
    fields: Sequence[str]


@dataclass
class Outcome:
    """`version` is the registry's afterwards; `counts` are by kind and what became of it (`circuit added`)."""

    version: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    shown: list[Difference] = field(default_factory=list)

    def add(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self.counts[f"{change.kind} {change.what}"] += 1
            if len(self.shown) < MOST_SHOWN:
                self.shown.append(Difference(change.kind, change.id, change.what, change.fields))


def read(kind: Kind, given: object, place: Place) -> Item | list[Fault]:
    found = check(kind, given)
    if isinstance(found, list):
        return [Fault(*place(path), message) for path, message in found]
    return Item(kind, found, place)


class Import:
    """One import in an open transaction. `leaving` hears of what is removed, and does what else goes with it."""

    def __init__(self, tx: Tx, writing: Writing, leaving: Leaving | None) -> None:
        self._tx = tx
        self._writing = writing
        self._leaving = leaving
        self._known: dict[Kind, set[str]] = {}
        self._unknown: dict[tuple[Kind, str], Fault] = {}
        self._removed: dict[Kind, dict[str, str]] = defaultdict(dict)
        self._faults: list[Fault] = []
        self._outcome = Outcome()

    @classmethod
    async def begin(cls, tx: Tx, by: Author, *, leaving: Leaving | None = None) -> "Import":
        started = cls(tx, await Writing.begin(tx, by), leaving)
        for kind in ("network", "account"):
            started._known[kind] = {id async for ids in existing(tx, kind) for id in ids}
        return started

    async def put(self, items: Iterable[Item | Fault]) -> None:
        """Raises ImportRefused as soon as there are too many faults to go on."""
        entries: dict[Kind, list[Entry]] = defaultdict(list)
        places: dict[str, Place] = {}
        for item in items:
            if isinstance(item, Fault):
                self._refuse(item)
                continue
            entries[item.kind].append(item.entry)
            places[SHELVES[item.kind].id_of(item.entry)] = item.place
            if item.kind in self._known:
                self._known[item.kind].add(SHELVES[item.kind].id_of(item.entry))
            for path, kind, id in names(item.entry):
                if id not in self._known[kind] and (kind, id) not in self._unknown:
                    self._unknown[kind, id] = Fault(*item.place(path), f"there is no {kind} {id}")
        for kind, some in entries.items():
            if not self._faults:
                changes = await self._writing.put(kind, some)
                self._outcome.add(changes)
                await self._refuse_moved(changes, places)

    async def remove(self, kind: Kind, ids: Sequence[str], where: str) -> None:
        if kind == "circuit":
            for row in await self._tx.fetch(OPEN, circuits=list(ids)):
                self._refuse(Fault(where, "", f"circuit {row['circuit']} has the open ticket {row['id']}"))
        self._removed[kind] |= dict.fromkeys(ids, where)
        if kind in self._known:
            self._known[kind] -= set(ids)
        if not self._faults:
            removed = await self._writing.remove(kind, ids)
            self._outcome.add(removed)
            if removed and self._leaving is not None:
                await self._leaving(self._tx, kind, [change.id for change in removed])

    async def end(self) -> Outcome:
        """Raises ImportRefused."""
        if not self._faults:  # else what is missing may be what was refused
            self._require_what_is_named()
            await self._refuse_orphans()
        if self._faults:
            raise ImportRefused(self._faults)
        self._outcome.version = await self._writing.end()
        return self._outcome

    def _require_what_is_named(self) -> None:
        for (kind, id), fault in self._unknown.items():
            if id not in self._known[kind]:
                self._refuse(fault)

    async def _refuse_orphans(self) -> None:
        """What is left must not speak of what is removed."""
        accounts = self._removed["account"]
        for query, what in ((OF_ACCOUNTS, "circuit"), (CHILDREN_OF, "account")):
            for row in await self._tx.fetch(query, ids=list(accounts)) if accounts else ():
                self._refuse(Fault(accounts[row["of"]], "", f"account {row['of']} still has the {what} {row['id']}"))
        for code, where in self._removed["network"].items():
            for row in await self._tx.fetch(OVER_NETWORK, code=code, mark=f'"network":"{code}"'):
                self._refuse(Fault(where, "", f"circuit {row['id']} still goes over the network {code}"))

    async def _refuse_moved(self, changes: Sequence[Change], places: Mapping[str, Place]) -> None:
        """A circuit's next report joins its open ticket: whoever has the circuit then would read another's."""
        owners = {change.id: owner for change in changes if (owner := _new_owner(change)) is not None}
        for row in await self._tx.fetch(OPEN, circuits=list(owners)) if owners else ():
            if row["account"] != owners[row["circuit"]]:
                where = places[row["circuit"]](("account",))
                self._refuse(Fault(*where, f"{row['account']}'s ticket {row['id']} is still open on this circuit"))

    def _refuse(self, fault: Fault) -> None:
        self._faults.append(fault)
        if len(self._faults) >= MOST_FAULTS:
            raise ImportRefused(self._faults)


def _new_owner(change: Change) -> AccountId | None:
    """None where the change leaves a circuit with its account, or is of something else."""
    before, after = change.before, change.after
    if not isinstance(before, Circuit) or not isinstance(after, Circuit):
        return None
    return after.account if after.account != before.account else None


async def existing(tx: Tx, kind: Kind) -> AsyncIterator[Sequence[str]]:
    """The ids there are, some at a time, in order."""
    after = ""
    while rows := await tx.fetch(SHELVES[kind].ids, after=after, most=TOGETHER):
        yield [row["id"] for row in rows]
        after = rows[-1]["id"]


class _OnlyTried(Exception):
    """Takes the transaction back and the outcome out of it."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


async def run(
    database: Database,
    items: Iterable[Item | Fault],
    *,
    by: Author,
    remove: Callable[[Tx, Import], Awaitable[None]] | None = None,
    leaving: Leaving | None = None,
    dry_run: bool = False,
) -> Outcome:
    """All of these changes or, with `dry_run`, what they would be. Raises ImportRefused, Unavailable."""

    async def body(tx: Tx) -> Outcome:
        started = await Import.begin(tx, by, leaving=leaving)
        for part in in_parts(items):
            await started.put(part)
        if remove:
            await remove(tx, started)
        outcome = await started.end()
        if dry_run:
            raise _OnlyTried(outcome)
        return outcome

    try:
        return await database.transact(body)
    except _OnlyTried as tried:
        tried.outcome.version -= bool(tried.outcome.counts)
        return tried.outcome
