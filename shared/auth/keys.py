"""API keys: `vrc_<environment>_<key id>_<secret>`, made here, shown once, kept as a keyed hash.

The secret is 256 random bits. The hash is HMAC-SHA-256 under a key derived from the master key, so a stolen table of
hashes is of no use without the master key's file.
"""

import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Literal

from shared.auth.permissions import KeyRole, Permission, granted
from shared.errors import Unauthenticated
from shared.secrets import Secrets

ENVIRONMENT_PATTERN = r"^[a-z][a-z0-9]{0,11}$"
KEY_ID_PATTERN = r"^[0-9a-f]{12}$"
SUBJECT_PATTERN = r"^[A-Za-z0-9._@-]+$"
LONGEST_SUBJECT = 64
PURPOSE = "api-keys"
UNKNOWN = "Send an API key that is valid: `Authorization: Bearer <key>`."
State = Literal["live", "expired", "revoked"]
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class KeyTerms:
    """Whom a key is for, what it may do, until when and from where. No addresses: from everywhere."""

    role: KeyRole
    subject: str
    grants: frozenset[str] = frozenset()
    expires_at: datetime | None = None
    addresses: tuple[Network, ...] = ()
    label: str = ""

    @property
    def permissions(self) -> frozenset[Permission]:
        return granted(self.role, self.grants)


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is recorded. `last_used_at` is right to the minute."""

    id: str
    hash: bytes = field(repr=False)
    terms: KeyTerms
    created_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def state(self, now: datetime) -> State:
        if self.revoked_at is not None:
            return "revoked"
        expires_at = self.terms.expires_at
        return "live" if expires_at is None or now < expires_at else "expired"

    @property
    def lasts(self) -> timedelta | None:
        """How long it was given; None: without an end."""
        return None if self.terms.expires_at is None else self.terms.expires_at - self.created_at

    def successor(self, now: datetime) -> KeyTerms:
        """The terms of the key that follows this one: the same, for as long as this one was given."""
        return replace(self.terms, expires_at=None if self.lasts is None else now + self.lasts)

    def exceeds(self, other: "Key") -> bool:
        """Whether it was given for longer than the other, or may be used from where the other may not."""
        longer = other.lasts is not None and (self.lasts is None or self.lasts > other.lasts)
        return longer or not _lie_within(self.terms.addresses, other.terms.addresses)


def _lie_within(some: Sequence[Network], others: Sequence[Network]) -> bool:
    """Whether these networks, none meaning all, are parts of the others."""
    if not some or not others:
        return not others
    return all(any(_is_part(network, other) for other in others) for network in some)


def _is_part(network: Network, other: Network) -> bool:
    if isinstance(network, IPv4Network):
        return isinstance(other, IPv4Network) and network.subnet_of(other)
    return isinstance(other, IPv6Network) and network.subnet_of(other)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """`key` is what the caller will send; it is nowhere else."""

    record: Key
    key: str = field(repr=False)

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def terms(self) -> KeyTerms:
        return self.record.terms


class Mint:
    """Makes the keys of one environment, and knows them again."""

    def __init__(self, environment: str, secrets: Secrets) -> None:
        self._environment = environment
        self._hash = hmac.new(secrets.derive(PURPOSE), digestmod="sha256")

    def issue(self, terms: KeyTerms, now: datetime) -> IssuedKey:
        id = secrets.token_hex(6)
        key = f"vrc_{self._environment}_{id}_{secrets.token_hex(32)}"
        return IssuedKey(Key(id, self.hash(key), terms, now), key)

    def hash(self, key: str) -> bytes:
        # Not hmac.digest: it lets go of the interpreter, which is to be won back from the database's thread.
        hash = self._hash.copy()
        hash.update(key.encode("utf-8", "surrogateescape"))
        return hash.digest()

    def id_of(self, key: str) -> str:
        """The id that a key names. Raises Unauthenticated when it has not the form of a key of this environment."""
        match key.split("_"):
            case ["vrc", self._environment, id, _]:
                return id
            case ["vrc", other, _, _] if re.match(ENVIRONMENT_PATTERN, other):
                raise Unauthenticated(
                    f"This key is for the environment `{other}`, and this center is `{self._environment}`: "
                    "send a key that was issued here."
                )
        raise Unauthenticated(UNKNOWN)
