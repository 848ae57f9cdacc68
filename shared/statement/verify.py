"""Checks a statement offline: its chain, its signature, and that all it says follows from its own entries. Pure.

Without the center's public key only this is known: that it fits together, and that whoever holds the key that it names
has signed it. Anybody can make a key.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from shared.audit.chain import Finding, Link, Walk
from shared.clock import to_ms
from shared.statement import document
from shared.statement.document import Said
from shared.statement.reading import Statement, place, printable
from shared.statement.sealing import is_genuine
from shared.tickets.log import link

MOST_FINDINGS = 50
LONGEST_SHOWN = 80
UNMADE = ("key", "signature")  # what does not follow from the entries
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Verdict:
    """`findings` say what does not fit, each with its place; `key_known`: the signature was checked with a key that
    did not come with the statement."""

    findings: list[str] = field(default_factory=list)
    key_known: bool = False

    @property
    def holds(self) -> bool:
        return not self.findings


def verify(statement: Statement, public_key: str | None = None) -> Verdict:
    """At most 50 findings. Raises ValueError when `public_key` is none."""
    findings = [*_signature(statement, public_key)]
    if broken := first_broken(statement):
        findings.append(f"entries, {broken.place}: {broken.kind} ({broken.why})")
    else:
        findings += _figures(statement)
    return Verdict(findings[:MOST_FINDINGS], public_key is not None)


def first_broken(statement: Statement) -> Finding | None:
    """The first entry that does not follow from those before it."""
    links = [Link(s.entry.seq, s.entry.hash, partial(_hashed, s)) for s in statement.entries]
    walk = Walk(statement.ticket)
    for number, one in enumerate(links, 1):
        if finding := walk.offer(one, links[number:]):
            return finding
    return None


def _hashed(said: Said, before: bytes, seq: int) -> bytes:
    e = said.entry
    return link(before, (e.ticket, seq, to_ms(e.at), e.type, e.actor, e.account, e.status, said.origin), e.data)


def _signature(statement: Statement, public_key: str | None) -> Iterator[str]:
    if public_key is not None and statement.key != public_key:
        yield f"key: it is signed with {statement.key}, which is not the center's {public_key}"
    try:
        if not is_genuine(statement.whole, statement.key):
            yield "signature: it is not that of this statement by its key; something was changed after it was signed"
    except ValueError:
        yield "key: it is no Ed25519 public key"


def _figures(statement: Statement) -> Iterator[str]:
    for number, said in enumerate(statement.entries):
        try:
            said.entry.fact()
        except (KeyError, ValueError):
            yield f"entries[{number}]: its type and data are no fact that a ticket's log has"
            return
    try:
        made = document.made(statement.entries, statement.as_of, statement.names)
    except (ValueError, KeyError, ArithmeticError, AssertionError) as error:
        yield f"entries: they make no ticket ({error})"
        return
    whole = {name: value for name, value in statement.whole.items() if name not in UNMADE}
    yield from _unlike(whole, made, ())


def _unlike(said: Any, made: Any, where: tuple[int | str, ...]) -> Iterator[str]:
    """What a statement says other than what its entries make, by place."""
    if isinstance(said, dict) and isinstance(made, dict):
        for name in sorted(said.keys() | made.keys()):
            yield from _unlike(said.get(name, _ABSENT), made.get(name, _ABSENT), (*where, name))
    elif isinstance(said, list) and isinstance(made, list):
        for number, (one, other) in enumerate(zip(said, made, strict=False)):
            yield from _unlike(one, other, (*where, number))
        if len(said) != len(made):
            yield f"{place(where)}: it has {len(said)}, and its entries make {len(made)}"
    elif made is _ABSENT:
        yield f"{place(where)}: nothing in its entries makes this"
    elif said is _ABSENT:
        yield f"{place(where)}: it is missing; its entries make {_shown(made)}"
    elif type(said) is not type(made) or said != made:
        yield f"{place(where)}: it says {_shown(said)}, and its entries make {_shown(made)}"


def _shown(value: Any) -> str:
    text = printable(repr(value))
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "..."
