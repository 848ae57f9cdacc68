"""Lists in pages: `{"items": [...], "next": <cursor or null>}`, by keyset, so that new rows never shift a page."""

import base64
import binascii
from typing import Annotated, Any

import orjson
from fastapi import Query

from shared.errors import FieldError, InvalidInput
from shared.ids import ENTRY_PATTERN

Limit = Annotated[int, Query(ge=1, le=200, description="How many items at the most")]
OfEntry = Annotated[str | None, Query(pattern=ENTRY_PATTERN, description="Only this one's, by its id in the registry")]
Cursor = Annotated[str | None, Query(max_length=4000, description="`next` of the page before")]


def encode_cursor(*key: str | int) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def decode_cursor(cursor: str | None, *types: type) -> tuple[Any, ...] | None:
    """The key a cursor stands for; None without one. Raises InvalidInput (400) when it is not one of ours."""
    if cursor is None:
        return None
    try:
        key = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        key = None
    shape_fits = isinstance(key, list) and [type(part) for part in key] == list(types)
    in_range = shape_fits and all(not isinstance(part, int) or abs(part) < 2**63 for part in key)
    plain = shape_fits and all(not isinstance(part, str) or "\x00" not in part for part in key)
    if not (shape_fits and in_range and plain):
        raise InvalidInput(
            FieldError("query:cursor", "is not a cursor of this list; use `next` as it was given"), status=400
        )
    return tuple(key)


def page(items: list[Any], *, limit: int, next_cursor: str | None) -> dict[str, Any]:
    """`items` may hold one more than `limit`: then there is a next page, and `next_cursor` leads to it."""
    more = len(items) > limit
    return {"items": items[:limit], "next": next_cursor if more else None}
