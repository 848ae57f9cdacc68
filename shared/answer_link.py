"""The signed link by which a customer answers from a message, without an account: it names one ticket, for a time.

It opens nothing but the question whether the customer is satisfied with that ticket. Who sends messages makes it, who
takes answers reads it; both derive the key from the master key.
"""

import base64
import hmac

from shared.ids import TicketId

PURPOSE = "answer-links"
SIGNATURE_BYTES = 16


def make(ticket: TicketId, expires_at: int, *, key: bytes) -> str:
    """`expires_at` in ms since 1970; for the query of a URL as it stands."""
    said = f"{ticket}.{expires_at}"
    return f"{said}.{_signature(said, key)}"


def read(token: str, now: int, *, key: bytes) -> TicketId | None:
    """The ticket; None for a token that is not ours or whose time is over."""
    said, _, signature = token.rpartition(".")
    ticket, _, expires_at = said.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(said, key).encode()):
        return None
    return TicketId(ticket) if int(expires_at) > now else None


def _signature(said: str, key: bytes) -> str:
    digest = hmac.digest(key, said.encode(), "sha256")[:SIGNATURE_BYTES]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
