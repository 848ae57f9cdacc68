"""A statement is what its entries make, checks offline, and nothing can be changed in it unseen: by two programs."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clock import to_ms
from shared.contracts import facts as f
from shared.statement.reading import NotAStatement, read
from shared.statement.verify import Verdict, verify
from shared.testing.clock import START
from shared.tickets.log import Entry
from tests import strategies
from tests.cases import ACTOR, MINUTE
from tests.independent_statement import check
from tests.statements import (
    BY_NETWORK,
    CENTER,
    FITS,
    NOC,
    STRANGER,
    TERMS,
    Json,
    everything,
    log_of,
    reported,
    restored,
    statement,
    tampered,
    text,
)

F = TypeVar("F", bound=f.Fact)
KEY = CENTER.public_key
TAMPERINGS, WITHOUT_KEY = 600, 150


def judged(said: Json, key: str | None = KEY) -> Verdict:
    return verify(read(text(said)), key)


def is_seen(said: Json, key: str | None) -> bool:
    try:
        return not judged(said, key).holds
    except NotAStatement:
        return True


def second_sees(said: Json, key: str | None) -> bool:
    try:
        return bool(check(text(said), key))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, AssertionError):
        return True


LATER = strategies.FACTS.filter(lambda fact: not isinstance(fact, f.FaultReported))
ACTORS = st.sampled_from([ACTOR, BY_NETWORK, NOC])
STEPS = st.lists(st.tuples(st.sampled_from([0, 1, 2_700_003]), ACTORS, LATER), max_size=12)


@st.composite
def logs(draw: st.DrawFn) -> list[Entry]:
    """Any facts in any order, that mean nothing to each other."""
    steps, at = [], START
    for ms, actor, fact in draw(STEPS):
        at += timedelta(milliseconds=ms)
        steps.append((at, actor, possible(fact)))
    return log_of(steps, possible(draw(strategies.REPORTS)))


def possible(fact: F) -> F:
    """Windows of service hours follow each other, and what is promised is not before the report."""
    if isinstance(fact, f.FaultReported) and fact.breach_at and fact.breach_at < fact.reported_at:
        fact = replace(fact, breach_at=None)
    if isinstance(fact, f.FaultReported | f.TermsChanged) and fact.terms and fact.terms.hours:
        ends = sorted({to_ms(START) + end // 1000 for window in fact.terms.hours for end in window})
        hours = tuple(zip(ends[::2], ends[1::2], strict=False))
        fact = replace(fact, terms=replace(fact.terms, hours=hours))
    return fact


@settings(max_examples=200)
@given(logs(), st.integers(-10, 5000))
def test_statement_of_any_log_holds_and_a_second_program_makes_the_same_of_it(log: list[Entry], minute: int) -> None:
    said = statement(log, now=START + minute * MINUTE)
    assert judged(said).findings == []
    assert check(text(said), KEY) == []


def test_600_tamperings_are_all_seen_by_both() -> None:
    genuine = statement(everything())
    assert (judged(genuine).findings, check(text(genuine), KEY)) == ([], [])
    missed = []
    for seed in range(TAMPERINGS):
        tamper, said = tampered(genuine, seed)
        missed += [(tamper.__name__, seed)] * (not is_seen(said, KEY) or not second_sees(said, KEY))
    assert missed == []


def test_without_the_key_both_see_the_same_tamperings_all_but_those_that_fit_together() -> None:
    genuine = statement(everything())
    for seed in range(WITHOUT_KEY):
        tamper, said = tampered(genuine, seed)
        assert is_seen(said, None) == second_sees(said, None) == (tamper is not FITS), (tamper.__name__, seed)


def test_how_a_statement_is_laid_out_does_not_matter() -> None:
    said = statement(everything())
    squeezed = json.dumps(dict(reversed(said.items())), separators=(",", ":")).encode()
    assert verify(read(squeezed), KEY).findings == []
    assert check(squeezed, KEY) == []


def test_what_is_wrong_is_said_with_its_place_and_both_values() -> None:
    said = statement(everything())
    said["figures"]["time_to_repair_ms"] -= 1
    said["shares"]["010"] = True
    _, wrong, share = judged(said).findings
    assert wrong == "figures.time_to_repair_ms: it says 9299999, and its entries make 9300000"
    assert share.startswith("shares.010: it says True, and its entries make ")


def test_stranger_who_makes_all_of_it_anew_is_known_by_the_key_and_by_nothing_else() -> None:
    said = statement(everything(), signer=STRANGER)
    assert judged(said).findings == [f"key: it is signed with {STRANGER.public_key}, which is not the center's {KEY}"]
    assert judged(said, None) == Verdict([], key_known=False)


def test_entry_that_was_changed_is_named() -> None:
    said = statement(everything())
    said["entries"][4]["data"] = said["entries"][4]["data"].replace("contract", "whim")
    assert judged(said).findings[1:] == ["entries, 5: edited (the hash is not that of what stands here)"]


def test_nothing_that_a_terminal_obeys_is_repeated_from_a_file() -> None:
    said = statement(everything()) | {"\x1b[2J\u202e": "\x1b]0;owned\x07"}
    said["account"] = "\x1b[31m\u202e"
    assert len(found := judged(said).findings) == 3
    assert all(line.isascii() and line.isprintable() for line in found)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (b"\xff", "not UTF-8"),
        (b"{", "not JSON"),
        (b"[]", "no object"),
        (b"{}", "format: it says None"),
        (b'{"format":"vrc-statement/1","format":1}', "format: is there twice"),
        (b'{"format":1.5}', "not a number that statements have"),
        (b'{"format":12345678901234567890}', "not a number that statements have"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"format":"vrc-statement/1","x":' + b"[" * 30 + b"]" * 30 + b"}", "nested too deeply"),
        (b'{"format":"vrc-statement/1","x":"\\ud800"}', "half a character"),
        (b'{"format":"vrc-statement/1"}', "ticket: Field required"),
    ],
)
def test_file_that_is_no_statement_is_refused_in_words(wrong: bytes, why: str) -> None:
    with pytest.raises(NotAStatement, match=why):
        read(wrong)


def at(minutes: float) -> Any:
    return START + minutes * MINUTE


def test_targets_are_judged_within_the_service_hours_of_the_terms() -> None:
    ends = [to_ms(START + minutes * MINUTE) for minutes in (-60, 60, 600, 660)]
    terms = replace(TERMS, hours=((ends[0], ends[1]), (ends[2], ends[3])))
    said = statement(log_of([(at(610), BY_NETWORK, restored(at=at(605)))], reported(terms=terms)))
    assert said["targets"]["restore"] == {
        "target_ms": 7_200_000, "used_ms": 65 * 60_000, "verdict": "met", "due_at": "2026-11-21T19:00:00.000Z"
    }  # fmt: skip
    assert said["goals"]["5h"] == {"target_ms": 18_000_000, "used_ms": 605 * 60_000, "verdict": "breached"}
    assert check(text(said), KEY) == []
