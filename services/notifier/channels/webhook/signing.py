"""Standard Webhooks signatures over id, timestamp and body, exactly as they are sent: `v1` HMAC-SHA256 under a secret
that both have, `v1a` Ed25519, which whoever has the public key can check and nobody else can make.

An Ed25519 key is derived from the master key by subscription and generation: nothing of it is stored, and what a
customer knows (the secret) does not lead to it. A key of one's own each, so that what is signed for one receiver is
no webhook at another's.
"""

import base64
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from services.notifier.model.subscription import Subscription
from shared.ids import SubscriptionId
from shared.secrets import Secrets

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PREFIX = "whsec_"
PUBLIC_PREFIX = "whpk_"
KEY_BYTES = 32


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


@dataclass(frozen=True, slots=True)
class Signer:
    """One generation of a subscription's keys."""

    key: bytes = field(repr=False)
    private: "Ed25519PrivateKey" = field(repr=False)

    def sign(self, signed: bytes) -> str:
        # Not hmac.digest: it lets go of the GIL, and getting it back from the database's threads costs up to 5 ms.
        v1 = base64.b64encode(hmac.new(self.key, signed, "sha256").digest()).decode()
        return f"v1,{v1} v1a,{base64.b64encode(self.private.sign(signed)).decode()}"


def signer(secret: str, private: "Ed25519PrivateKey") -> Signer:
    return Signer(base64.b64decode(secret.removeprefix(PREFIX)), private)


def sign(signers: Iterable[Signer], *, id: str, timestamp_s: int, body: bytes) -> str:
    """The value of the `webhook-signature` header: every signature of every generation that is good."""
    signed = f"{id}.{timestamp_s}.".encode() + body
    return " ".join(each.sign(signed) for each in signers)


def private_key(secrets: Secrets, id: SubscriptionId, generation: int) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(secrets.derive(f"webhook-ed25519:{id}:{generation}"))


def public_keys(secrets: Secrets, subscription: Subscription, now: datetime) -> Sequence[str]:
    """Of every generation that is good, as Standard Webhooks writes them: `whpk_…`."""
    good = subscription.keys.generations(now)
    keys = (private_key(secrets, subscription.id, generation).public_key() for generation, _ in good)
    return [PUBLIC_PREFIX + base64.b64encode(key.public_bytes_raw()).decode() for key in keys]
