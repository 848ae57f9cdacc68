"""From where and by which credential something was done."""

from dataclasses import dataclass
from hashlib import sha256

from shared.randomness import random_hex


@dataclass(frozen=True, slots=True)
class Origin:
    """`credential` names a key or a session, never its secret (`key:0b9f3a6c1d2e`); `address` is the caller's.

    Either is empty where there is none: what the center does by itself has no origin.
    """

    credential: str = ""
    address: str = ""

    def salted(self) -> str:
        """As the ticket log keeps it; without the 64 random bits an address could be guessed from its digest."""
        return f"{self.credential or '-'} {self.address or '-'} {random_hex(8)}"


def digest_of(salted: str) -> str:
    """What of an origin is published, and covered by the log's chain: SHA-256 in hex, or nothing of nothing."""
    return sha256(salted.encode()).hexdigest() if salted else ""
