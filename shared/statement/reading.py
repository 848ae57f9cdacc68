"""A statement from a file that anybody may have made: strict JSON, of the form that statements have. Pure.

What is refused here can't be judged at all; what can be read and is not true is `verify`'s to find.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.contracts.instant import Instant
from shared.ids import TICKET_PATTERN, AccountId, TicketId
from shared.statement.document import Said
from shared.statement.sealing import FORMAT, Json, canonical
from shared.tickets.log import Entry

Text = Annotated[str, Field(max_length=1_000_000)]
Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
At = Annotated[Instant, Field(strict=False)]
DEEPEST = 20  # a statement is 7 deep


class NotAStatement(ValueError):
    """The file holds no statement; says what is wrong with it, by place."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    seq: Annotated[int, Field(ge=0, lt=2**31)]
    at: At
    type: Text
    actor: Text
    account: Text
    status: Text
    origin: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")]
    data: Text
    hash: Hash


class _Statement(BaseModel):
    """What is needed to make it again; everything else is compared."""

    model_config = ConfigDict(extra="ignore", strict=True)

    format: str
    ticket: Annotated[str, Field(pattern=TICKET_PATTERN)]
    as_of: At
    names: dict[str, Any]
    entries: Annotated[list[_Entry], Field(min_length=1)]
    key: Hash
    signature: Annotated[str, Field(pattern="^[0-9a-f]{128}$")]


@dataclass(frozen=True, slots=True)
class Statement:
    """`whole` is all that the file says."""

    whole: Json
    ticket: TicketId
    as_of: datetime
    names: Json
    entries: list[Said]
    key: str


def read(text: bytes) -> Statement:
    """Raises NotAStatement."""
    whole = _json(text)
    found = whole.get("format")
    if found != FORMAT:
        said = printable(repr(found)[:60])
        raise NotAStatement(f"format: it says {said}, and {FORMAT} is what can be checked here")
    _require_sound(whole)
    try:
        shape = _Statement.model_validate(whole)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise NotAStatement(f"{place(first['loc'])}: {first['msg']}") from None
    entries = [_said(TicketId(shape.ticket), e) for e in shape.entries]
    return Statement(whole, TicketId(shape.ticket), shape.as_of, shape.names, entries, shape.key)


def place(steps: tuple[int | str, ...]) -> str:
    """`entries[3].at`."""
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step[:60]}" for step in steps)
    return printable(path.removeprefix("."))


def printable(text: str) -> str:
    """In one line, and nothing that a terminal would obey or a reader be deceived by."""
    return text.encode("unicode_escape").decode() if not text.isascii() or not text.isprintable() else text


def _said(ticket: TicketId, e: _Entry) -> Said:
    entry = Entry(
        ticket, e.seq, e.at, e.type, e.actor, AccountId(e.account), e.status, e.data.encode(), bytes.fromhex(e.hash)
    )
    return Said(entry, e.origin)


def _json(text: bytes) -> Json:
    try:
        found = json.loads(
            text.decode(), object_pairs_hook=_once, parse_float=_whole, parse_constant=_whole, parse_int=_whole
        )
    except UnicodeDecodeError:
        raise NotAStatement("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise NotAStatement(f"it is not JSON: {error.msg} in line {error.lineno}") from None
    except RecursionError:
        raise NotAStatement("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise NotAStatement("it is JSON, and no object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> Json:
    """Of two fields with one name, one reader would see this one and another that one."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotAStatement(f"{printable(twice[:60])}: is there twice")
    return found


def _whole(number: str) -> int:
    """All numbers of a statement are whole, and no longer than every reader can hold."""
    if not number.removeprefix("-").isdigit() or len(number) > 16 or abs(int(number)) > 2**53:
        raise NotAStatement(f"{number[:40]} is not a number that statements have")
    return int(number)


def _require_sound(whole: Json) -> None:
    """Nothing nested so deeply that looking at it fails, and no text that is none."""
    level: list[Any] = [whole]
    for _ in range(DEEPEST):
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
        level = [one for one in level if isinstance(one, dict | list)]
    if level:
        raise NotAStatement("it is nested too deeply")
    try:
        canonical(whole)
    except UnicodeEncodeError:
        raise NotAStatement("it holds half a character (a lone surrogate)") from None
