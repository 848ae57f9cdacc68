"""Who may read an account's tickets: what each account may read, turned round, worked out when that changes."""

from collections.abc import Mapping

from shared.ids import AccountId
from shared.registry.store import Registry


class Readers:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._from: Mapping[AccountId, frozenset[AccountId]] = {}
        self._readers: Mapping[AccountId, frozenset[AccountId]] = {}

    def of(self, account: AccountId) -> frozenset[AccountId]:
        """Itself, and a parent where the account's contract says so."""
        if (readable := self._registry.readable) is not self._from:
            self._from, self._readers = readable, _turned(readable)
        return self._readers.get(account) or frozenset({account})


def _turned(readable: Mapping[AccountId, frozenset[AccountId]]) -> Mapping[AccountId, frozenset[AccountId]]:
    readers: dict[AccountId, set[AccountId]] = {}
    for reader, accounts in readable.items():
        for account in accounts:
            readers.setdefault(account, {account}).add(reader)
    return {account: frozenset(found) for account, found in readers.items()}
