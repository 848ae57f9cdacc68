"""One sign-in under way, kept nowhere but in the browser's cookie: state, nonce and PKCE verifier come from one secret.

Nothing is stored for somebody who is not signed in, so nobody can fill the database, and any process can take the
callback. A cookie that a browser's owner forges is good for nothing but that browser's own sign-in.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Self
from urllib.parse import urlencode

LASTS_S = 600
DEFAULT_NEXT = "/v1/session"
LONGEST_PATH = 1000
# One slash first (`//host` and `/\host` lead away), then plain ASCII without backslashes.
LOCAL_PATH = r"^/([\x21-\x2e\x30-\x5b\x5d-\x7e][\x21-\x5b\x5d-\x7e]*)?$"
_LOCAL = re.compile(LOCAL_PATH)
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


def is_local_path(target: str) -> bool:
    """Whether a browser that is sent there stays here."""
    return len(target) <= LONGEST_PATH and _LOCAL.fullmatch(target) is not None


def text64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def derived(secret: str, purpose: str) -> str:
    """43 characters that tell nothing of the secret they come from."""
    return text64(hmac.digest(secret.encode(), purpose.encode(), "sha256"))


@dataclass(frozen=True, slots=True)
class Attempt:
    """`secret` is 256 random bits; `next` the local path that follows."""

    secret: str
    next: str

    @classmethod
    def begin(cls, next: str) -> Self:
        return cls(secrets.token_urlsafe(32), next)

    @classmethod
    def of_cookie(cls, cookie: str) -> Self | None:
        """None when it is none of ours."""
        secret, _, encoded = cookie.partition(".")
        try:
            next = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
        except ValueError:
            return None
        return cls(secret, next) if _SECRET.fullmatch(secret) and is_local_path(next) else None

    @property
    def cookie(self) -> str:
        return f"{self.secret}.{text64(self.next.encode())}"

    @property
    def state(self) -> str:
        return derived(self.secret, "state")

    @property
    def nonce(self) -> str:
        return derived(self.secret, "nonce")

    @property
    def verifier(self) -> str:
        return derived(self.secret, "verifier")

    @property
    def challenge(self) -> str:
        """RFC 7636, S256."""
        return text64(sha256(self.verifier.encode()).digest())

    def authorization_url(self, endpoint: str, *, client_id: str, redirect_uri: str, scope: str) -> str:
        asked = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "scope": scope,
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"
