"""Who is calling, however they proved it: what handlers, stores and the record know of a caller."""

from dataclasses import dataclass

from shared.auth.permissions import Permission, Role
from shared.ids import AccountId
from shared.origin import Origin


@dataclass(frozen=True, slots=True)
class Principal:
    """`subject` is an account id, a network's area code, an operator's name, or the ticket that a link shows.

    `reads` are the accounts whose tickets may be read: an account's own is always among them; None means all, and is
    for operators; a network reads what it was ordered to, whosever it is; a link has its ticket's account here, for
    the second wall, and no route but its own. `credential` names what was shown at the
    door (`key:3f09c2a1b7d4`), `address` where the request came from; both for the record.
    """

    role: Role
    subject: str
    permissions: frozenset[Permission] = frozenset()
    reads: frozenset[AccountId] | None = frozenset()
    credential: str = ""
    address: str = ""

    def __post_init__(self) -> None:
        if self.role == "account" and (self.reads is None or self.subject not in self.reads):
            object.__setattr__(self, "reads", (self.reads or frozenset()) | {AccountId(self.subject)})

    @property
    def actor(self) -> str:
        """How the record names it."""
        return f"{self.role}:{self.subject}"

    @property
    def origin(self) -> Origin:
        return Origin(self.credential, self.address)

    def may_read(self, account: AccountId) -> bool:
        return self.reads is None or account in self.reads

    def reading(self, account: str | None) -> frozenset[AccountId] | None:
        """The accounts to look among when it asks for this one, or (None) for all it may read."""
        if account is None:
            return self.reads
        asked = frozenset({AccountId(account)})
        return asked if self.reads is None else self.reads & asked

    def owns(self, account: AccountId) -> bool:
        """Whether it may change what is this account's: reading for a subsidiary is not writing for it."""
        return self.role == "operator" or (self.role == "account" and self.subject == account)
