"""Accounts as the desk looks for them: by part of a name, a telephone number in any form, a circuit. In memory.

Ten thousand accounts are read through in a few milliseconds, so there is no index beside the names; it is made at
the first question and follows the rows of the changes.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.db.port import Database
from shared.db.statement import Row
from shared.ids import AccountId
from shared.registry.following import CHANGED
from shared.registry.model import Account
from shared.registry.shelves import SHELVES
from shared.registry.store import Registry

TOGETHER = 500
MOST_FOLLOWED = 1_000
SHORTEST_NUMBER = 7  # digits: a subscriber's number without its area code
LONGEST_LOCAL = 11
Matched = Literal["circuit", "phone", "name"]


@dataclass(frozen=True, slots=True)
class _Card:
    names: str
    numbers: tuple[str, ...]


class Accounts:
    def __init__(self, database: Database, registry: Registry) -> None:
        self._database = database
        self._registry = registry
        self._cards: dict[AccountId, _Card] = {}
        self._version = -1

    async def find(self, asked: str, *, most: int) -> Sequence[tuple[AccountId, Matched]]:
        """The likeliest first: by circuit, by number, by name from its beginning, by name."""
        await self._follow()
        found: dict[AccountId, Matched] = {}
        if owner := self._registry.owner(asked.strip()) or self._registry.owner(asked.strip().upper()):
            found[owner] = "circuit"
        found |= {id: "phone" for id in self._by_number(asked) if id not in found}
        found |= {id: "name" for id in self._by_name(asked) if id not in found}
        return list(found.items())[:most]

    def _by_number(self, asked: str) -> Iterator[AccountId]:
        wanted = number(asked) if _looks_like_a_number(asked) else ""
        if len(wanted) < SHORTEST_NUMBER:
            return
        for id, card in self._cards.items():
            if any(_same(wanted, n) for n in card.numbers):
                yield id

    def _by_name(self, asked: str) -> Iterable[AccountId]:
        wanted = folded(asked)
        if not wanted:
            return []
        within = [id for id, card in self._cards.items() if wanted in card.names]
        return sorted(within, key=lambda id: "\n" + wanted not in self._cards[id].names)

    async def _follow(self) -> None:
        """Only what has changed since the last question; everything at the first, and after an import."""
        version = self._registry.version
        if version == self._version:
            return
        changed = await self._database.fetch(CHANGED, since=self._version, most=MOST_FOLLOWED + 1)
        if self._version < 0 or len(changed) > MOST_FOLLOWED:
            await self._read_all()
        elif ids := {row["id"] for row in changed if row["kind"] == "account"}:
            rows = await self._database.fetch(SHELVES["account"].read, ids=list(ids))
            for id in ids:
                self._cards.pop(id, None)
            self._learn(rows)
        self._version = version

    async def _read_all(self) -> None:
        after, self._cards = "", {}
        while rows := await self._database.fetch(SHELVES["account"].page, after=after, most=TOGETHER):
            self._learn(rows)
            after = rows[-1]["id"]

    def _learn(self, rows: Iterable[Row]) -> None:
        for row in rows:
            account = SHELVES["account"].of(row)
            assert isinstance(account, Account)
            self._cards[account.id] = _Card(_names(account), tuple(_numbers(account)))


def _names(account: Account) -> str:
    names = (account.name_zh, account.name_en, account.id, account.group or "")
    return "\n" + "\n".join(map(folded, names))


def _numbers(account: Account) -> Iterator[str]:
    for contact in account.contacts:
        if contact.phone:
            yield number(contact.phone)


def folded(text: str) -> str:
    """Full-width and upper case make no difference."""
    return unicodedata.normalize("NFKC", text).casefold().strip()


def number(text: str) -> str:
    """The digits that say who is called: without the ways to dial out and into the country, and the trunk's 0."""
    digits = "".join(c for c in unicodedata.normalize("NFKC", text) if c.isdecimal()).removeprefix("00")
    if len(digits) > LONGEST_LOCAL:
        digits = digits.removeprefix("86")
    return digits.removeprefix("0")


def _looks_like_a_number(text: str) -> bool:
    plain = unicodedata.normalize("NFKC", text)
    return all(c.isdecimal() or c in "+()-./ x" for c in plain)


def _same(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return len(short) >= SHORTEST_NUMBER and long.endswith(short)
