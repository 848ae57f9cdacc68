"""The Idempotency-Key of a request: the same key and request get the same answer, another request is refused."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Any

import orjson
from fastapi import Header

from shared.auth.principal import Principal
from shared.errors import FieldError, InvalidInput
from shared.tickets.request import Request

LONGEST = 200
HEADER = "idempotency-key"
REPLAYED = "Idempotent-Replayed"
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=LONGEST,
        pattern=r"^[\x21-\x7e]+$",
        description="Yours to choose, one a request; a retry with the same key gets the same answer",
    ),
]


def request_of(principal: Principal, key: str | None, what: str, body: Any) -> Request | None:
    """`what` names the operation and its target; `body` is the parsed JSON, so that white space does not matter."""
    if key is None:
        return None
    digest = sha256(what.encode() + b"\n" + orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).digest()
    return Request("http:" + principal.actor, key, digest)


def check_key(given: Sequence[str]) -> str | None:
    """The one that was given, if any: for whoever reads the headers itself. Raises InvalidInput."""
    if len(given) > 1:
        raise InvalidInput(FieldError(f"header:{HEADER}", "is given twice; which of them is meant?"))
    key = given[0] if given else None
    if key is not None and not (0 < len(key) <= LONGEST and key.isascii() and key.isprintable() and " " not in key):
        message = f"must be 1 to {LONGEST} printable ASCII characters without spaces"
        raise InvalidInput(FieldError(f"header:{HEADER}", message))
    return key
