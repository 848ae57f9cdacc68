"""A tracking link and its token: `vrt_<environment>_<link id>_<signature>`.

The signature is HMAC-SHA-256 of environment and id, cut to 128 bits, under a key derived from the master key: what was
not made here is known without asking the database, and no table holds anything a token could be made from.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from shared.contracts.facts import Contact
from shared.ids import AccountId, TicketId
from shared.secrets import Secrets

PREFIX = "vrt_"
PURPOSE = "tracking-links"
LINK_ID_PATTERN = r"^[0-9a-f]{12}$"
SIGNATURE_BYTES = 16
LASTS = timedelta(days=3)
LASTS_AT_MOST = timedelta(days=30)
MOST_LIVE = 20
State = Literal["live", "expired", "revoked"]


@dataclass(frozen=True, slots=True)
class Link:
    id: str
    ticket: TicketId
    account: AccountId
    label: str
    contact: Contact
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def state(self, now: datetime) -> State:
        if self.revoked_at is not None:
            return "revoked"
        return "live" if now < self.expires_at else "expired"


class LinkMint:
    """Makes the tokens of one environment, and knows them again."""

    def __init__(self, environment: str, secrets: Secrets) -> None:
        self._environment = environment
        self._key = secrets.derive(PURPOSE)

    def token(self, id: str) -> str:
        return f"{PREFIX}{self._environment}_{id}_{self._signature(id)}"

    def id_of(self, token: str) -> str | None:
        """The link that a token was made for; None when it was not made here."""
        match token.split("_"):
            case ["vrt", self._environment, id, signature] if signature.isascii():
                return id if hmac.compare_digest(signature, self._signature(id)) else None
        return None

    def _signature(self, id: str) -> str:
        signed = f"{self._environment}\n{id}".encode("utf-8", "surrogateescape")
        return hmac.digest(self._key, signed, "sha256")[:SIGNATURE_BYTES].hex()


def new_link_id() -> str:
    return secrets.token_hex(6)
