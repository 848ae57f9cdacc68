"""The master key, one file, and the keys derived from it by name (HKDF-SHA-256, RFC 5869).

Whoever needs a secret of the center's own derives it: `secrets.derive("api-keys")`. A purpose is for ever: its key
changes with its name. The file is 32 random bytes in base64, its owner's alone. Others' secrets, which the center has
to show or use again, are kept in a `Vault`.
"""

import base64
import binascii
import hmac
import os
import secrets
import stat
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SIZE_BYTES = 32
NONCE_BYTES = 12
SEALED = "sealed1."


class BadMasterKey(Exception):
    """The file is not there, not a key, or open to others; says what to do."""


class Secrets:
    def __init__(self, master: bytes) -> None:
        self._extracted = hmac.digest(bytes(32), master, "sha256")

    def derive(self, purpose: str) -> bytes:
        """32 bytes that belong to this purpose and tell nothing of the master key or another purpose's."""
        return hmac.digest(self._extracted, purpose.encode() + b"\x01", "sha256")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises BadMasterKey."""
        try:
            _require_own(path, path.stat())
            master = base64.b64decode(path.read_bytes().strip(), validate=True)
        except FileNotFoundError:
            raise BadMasterKey(f"there is no file {path}; make one with: vrc secret {path}") from None
        except OSError as error:
            raise BadMasterKey(f"{path} can't be read: {error.strerror}") from None
        except binascii.Error:
            master = b""
        if len(master) != SIZE_BYTES:
            raise BadMasterKey(f"{path} is not {SIZE_BYTES} bytes in base64; make one with: vrc secret FILE")
        return cls(master)


class BadSeal(Exception):
    """What was sealed is not whole, belongs to something else, or was sealed under another master key."""


class Vault:
    """Keeps secrets of others under a derived key: AES-256-GCM, each bound to what it belongs to.

    Whoever can write the table but has no key can't put one subscription's secret into another's row.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    @cached_property
    def _cipher(self) -> "AESGCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # some MiB that only who keeps secrets pays

        return AESGCM(self._key)

    def seal(self, plain: str, *, of: str) -> str:
        """Printable, and never the same twice."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, plain.encode(), of.encode())
        return SEALED + base64.b64encode(nonce + sealed).decode()

    def open(self, sealed: str, *, of: str) -> str:
        """Raises BadSeal."""
        from cryptography.exceptions import InvalidTag

        try:
            raw = base64.b64decode(sealed.removeprefix(SEALED), validate=True)
            return self._cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], of.encode()).decode()
        except (InvalidTag, ValueError):
            raise BadSeal(f"the secret of {of} can't be opened: is this the master key it was sealed under?") from None


def make(path: Path) -> None:
    """A new master key, its owner's alone. Raises FileExistsError: a key that is in use must not be lost."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(SIZE_BYTES)) + b"\n")
        file.flush()
        os.fsync(descriptor)


def _require_own(path: Path, found: os.stat_result) -> None:
    """0600; or root's and readable by our group, as an orchestrator mounts secrets for a process that is not root."""
    mounted = found.st_uid == 0 and os.geteuid() != 0
    if stat.S_IMODE(found.st_mode) & (0o037 if mounted else 0o077):
        raise BadMasterKey(f"{path} is open to others than its owner; run: chmod 600 {path}")
