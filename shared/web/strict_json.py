"""JSON as it must be at the door: UTF-8, no duplicate keys, no NaN, no deceiving characters; errors name the field."""

import json
import math
from typing import Any

from shared.contracts.text import refused_character
from shared.errors import FieldError, InvalidInput

MAX_DEPTH = 20
LONGEST_INT = len(str(-(2**63)))


def parse(body: bytes) -> Any:
    """Raises InvalidInput (400 when it is not JSON at all, 422 when a field is at fault)."""
    try:
        text = body.decode("utf-8")
        value = _read(text)
    except UnicodeDecodeError as error:
        raise InvalidInput(FieldError("body", f"is not UTF-8 (byte {error.start})"), status=400) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        why = "it begins with a byte order mark; leave it out" if text.startswith("\ufeff") else error
        raise InvalidInput(FieldError("body", f"is not JSON: {why}"), status=400) from None
    check_text(value, "")
    return value


class _GivenTwice(Exception):
    pass


class _Pairs(list[tuple[str, Any]]):
    """An object as it was written."""


def _read(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except _GivenTwice:  # read again, so that only who errs pays for knowing where
        twice = _repeated(_AS_WRITTEN.decode(text), "")
        raise InvalidInput(FieldError(shown(twice or "body"), "is given twice"), status=400) from None


def _repeated(value: Any, path: str) -> str | None:
    """Where the first name stands that its object has twice."""
    seen: set[str | int] = set()
    for name, item in value if isinstance(value, _Pairs) else enumerate(value if isinstance(value, list) else ()):
        here = f"{path}.{name}" if path else str(name)
        if name in seen:
            return here
        seen.add(name)
        if (found := _repeated(item, here)) is not None:
            return found
    return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _GivenTwice
    return found


def _no_constant(name: str) -> Any:
    raise InvalidInput(FieldError("body", f"is not JSON: {name} is not a JSON number"), status=400)


def _int(digits: str) -> int:
    if len(digits) > LONGEST_INT or not -(2**63) <= (number := int(digits)) < 2**63:
        raise ValueError("a number is out of range")
    return number


def _float(digits: str) -> float:
    if math.isinf(number := float(digits)):
        raise ValueError("a number is out of range")
    return number


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_int, parse_float=_float
)  # `json.loads` would make one for each body
_AS_WRITTEN = json.JSONDecoder(object_pairs_hook=_Pairs, parse_int=str, parse_float=str)


def check_text(value: Any, path: str, depth: int = 0) -> None:
    """Raises InvalidInput naming the first field that holds a refused character."""
    if isinstance(value, str):
        if name := refused_character(value):
            raise InvalidInput(FieldError(path or "body", f"contains the character {name}, which is not allowed"))
    elif isinstance(value, dict):
        if depth > MAX_DEPTH:
            raise _too_deep()
        for key, item in value.items():
            if refused_character(key):
                raise InvalidInput(FieldError(shown(key), "a name holds a character that is not allowed"))
            check_text(item, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, list):
        if depth > MAX_DEPTH:
            raise _too_deep()
        for i, item in enumerate(value):
            check_text(item, f"{path}.{i}" if path else str(i), depth + 1)


def _too_deep() -> InvalidInput:
    return InvalidInput(FieldError("body", f"is nested more than {MAX_DEPTH} deep"), status=400)


def shown(name: str) -> str:
    """A field name fit to be echoed: whatever is not plain ASCII is escaped, long ones are cut."""
    return name[:80].encode("ascii", "backslashreplace").decode()
