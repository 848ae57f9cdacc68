"""A statement's signature: over its canonical text (RFC 8785), by the key that signs the audit trail's anchors. Pure.

So a statement may be indented, sorted and sent about as one likes: what was signed is what it says, not how it is laid
out. The format's name stands before the text that is signed, so nothing else that this key signs is a statement.
"""

import json
from collections.abc import Mapping
from typing import Any

from shared.audit.signing import Signer, is_signed

FORMAT = "vrc-statement/1"
Json = dict[str, Any]


def canonical(body: Mapping[str, Any]) -> bytes:
    """Keys sorted, no white space, UTF-8. Raises UnicodeEncodeError for what no text can hold (lone surrogates)."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sealed(body: Mapping[str, Any], signer: Signer) -> Json:
    """The whole statement: the body, whose key it is signed with, and the signature."""
    said = {**body, "key": signer.public_key}
    return {**said, "signature": signer.sign(_message(said)).hex()}


def is_genuine(statement: Mapping[str, Any], public_key: str) -> bool:
    """Whether all of it was signed, as it is, with this key. Raises ValueError when `public_key` is none."""
    said = dict(statement)
    signature = bytes.fromhex(said.pop("signature"))
    return is_signed(_message(said), signature, public_key)


def _message(said: Mapping[str, Any]) -> bytes:
    return f"{FORMAT}\n".encode() + canonical(said)
