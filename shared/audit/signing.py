"""The two keys of the audit trail, derived from one secret that is not in the database.

The seal (HMAC) says that the center itself had the chain so; only the center can check it. The signature (Ed25519)
of an anchor can be checked by anybody who has the public key.
"""

import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PURPOSES = SEAL, ANCHOR = b"vrc audit seal", b"vrc audit anchor"


class Signer:
    """`secret`: at least 32 bytes. `public_key` is hex, 64 characters."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 32:
            raise ValueError("the audit trail's secret must have at least 32 bytes")
        self._seal_key, self._anchor_key = (hmac.digest(secret, purpose, "sha256") for purpose in PURPOSES)

    def seal(self, position: int, hash: bytes) -> bytes:
        return hmac.digest(self._seal_key, position.to_bytes(8, "big") + hash, "sha256")

    def sign(self, message: bytes) -> bytes:
        return self._private().sign(message)

    @property
    def public_key(self) -> str:
        return self._private().public_key().public_bytes_raw().hex()

    def _private(self) -> "Ed25519PrivateKey":
        # Here, because it is needed once a day and costs memory for ever.
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self._anchor_key)


def is_signed(message: bytes, signature: bytes, public_key: str) -> bool:
    """Raises ValueError when `public_key` is none."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
