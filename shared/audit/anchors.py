"""An anchor: one signed line that says how all chains ended when it was made. Pure, but for the signature's library.

    {"anchor":7,"at":"…","audit":{"hash":"…","position":1234},"key":"<public key>","previous":"<SHA-256 of line 6>",
     "signature":"…","tickets":{"count":12,"digest":"…"}}

`tickets` covers the tickets whose log had grown since the anchor before; each line covers the line before it, so the
lines together cover every ticket. The signature is over the line without it, keys sorted, no white space.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

from shared.audit.chain import Finding
from shared.audit.signing import Signer, is_signed
from shared.clock import rfc3339

NO_LINE = "0" * 64  # `previous` of the first


class NoAnchor(ValueError):
    """A line that is not an anchor's."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """`tickets` heads with the digest `digest` are in it; `line` is all of it, as signed."""

    number: int
    at: datetime
    position: int
    head: bytes
    tickets: int
    digest: str
    previous: str
    key: str
    line: str

    @property
    def line_digest(self) -> str:
        return sha256(self.line.encode()).hexdigest()


class HeadsDigest:
    """Over ticket, seq and hash of each head, in the order of tickets."""

    def __init__(self) -> None:
        self.count = 0
        self._digest = sha256()

    def add(self, ticket: str, seq: int, hash: bytes) -> None:
        self.count += 1
        self._digest.update(orjson.dumps((ticket, seq, hash.hex())))

    @property
    def hex(self) -> str:
        return self._digest.hexdigest()


def signed(
    signer: Signer, before: Anchor | None, *, at: datetime, position: int, head: bytes, heads: HeadsDigest
) -> Anchor:
    body = {
        "anchor": before.number + 1 if before else 1,
        "at": rfc3339(at),
        "audit": {"position": position, "hash": head.hex()},
        "tickets": {"count": heads.count, "digest": heads.hex},
        "previous": before.line_digest if before else NO_LINE,
        "key": signer.public_key,
    }
    return read_line(_canonical({**body, "signature": signer.sign(_canonical(body)).hex()}).decode())


def read_line(line: str) -> Anchor:
    """Raises NoAnchor. The signature is not looked at."""
    try:
        found = orjson.loads(line)
        return Anchor(
            number=int(found["anchor"]), at=datetime.fromisoformat(found["at"]),
            position=int(found["audit"]["position"]), head=bytes.fromhex(found["audit"]["hash"]),
            tickets=int(found["tickets"]["count"]), digest=str(found["tickets"]["digest"]),
            previous=str(found["previous"]), key=str(found["key"]), line=line,
        )  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        raise NoAnchor(f"not an anchor's line ({type(error).__name__}): {line[:80]!r}") from None


def first_wrong(anchors: Sequence[Anchor], *, public_keys: Collection[str]) -> Finding | None:
    """The first anchor that is not the next one, or not signed with one of these keys."""
    before = NO_LINE
    for expected, anchor in enumerate(anchors, 1):
        if anchor.number != expected:
            return Finding("anchors", expected, "deleted", f"{anchor.number} comes instead")
        if not is_genuine(anchor, public_keys):
            return Finding("anchors", expected, "edited", "its signature is not that of this key")
        if anchor.previous != before:
            return Finding("anchors", expected, "edited", "it does not follow the one before it")
        before = anchor.line_digest
    return None


def first_unlike(anchors: Sequence[Anchor], kept: Iterable[str]) -> Finding | None:
    """The first line kept elsewhere that the database has not, or has otherwise. Raises NoAnchor."""
    lines = {anchor.number: anchor.line for anchor in anchors}
    for line in kept:
        number = read_line(line).number
        if number not in lines:
            return Finding("anchors", number, "cut", "it was kept elsewhere, and the database has it no more")
        if lines[number] != line:
            return Finding("anchors", number, "edited", "it was kept elsewhere with other words")
    return None


def is_genuine(anchor: Anchor, public_keys: Collection[str]) -> bool:
    """Whether the line was signed, as it is, by one of these keys."""
    body: dict[str, Any] = orjson.loads(anchor.line)
    try:
        signature = bytes.fromhex(body.pop("signature"))
    except (KeyError, TypeError, ValueError):
        return False
    canonical = _canonical({**body, "signature": signature.hex()}).decode() == anchor.line
    return canonical and anchor.key in public_keys and is_signed(_canonical(body), signature, anchor.key)


def _canonical(body: dict[str, Any]) -> bytes:
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
