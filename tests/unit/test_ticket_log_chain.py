"""The log tells when it was tampered with: any edit, drop, reorder or cut breaks the chain from there on."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import facts
from shared.contracts.facts import Fact
from shared.testing.clock import START
from shared.tickets.log import Entry, append, fold, open_ticket
from tests.cases import ACTOR, TICKET, first_broken_link, issued, log_of, notes, reported
from tests.strategies import FACTS, INSTANTS

CHAIN = log_of(issued(), *notes(4))[1]
ANOTHER = facts.encode(facts.NoteAdded("all is well"))
EDITS: list[dict[str, Any]] = [
    {"at": START - timedelta(milliseconds=1)},
    {"actor": "operator:mallory"},
    {"type": "ticket.confirmed"},
    {"account": "another"},
    {"status": "closed"},
    {"ticket": "VT261121-00000000"},
    {"seq": 99},
    {"data": ANOTHER},
    {"hash": bytes(32)},
    {"origin": "key:0b9f3a6c1d2e 10.0.0.1 00ff00ff00ff00ff"},
]


def with_entry(number: int, entry: Entry) -> Sequence[Entry]:
    return [*CHAIN[:number], entry, *CHAIN[number + 1 :]]


def test_untouched_chain_holds() -> None:
    assert first_broken_link(CHAIN) is None


@pytest.mark.parametrize("number", range(len(CHAIN)))
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: next(iter(edit)))
def test_any_edit_of_any_entry_is_found_where_it_was_made(number: int, edit: dict[str, Any]) -> None:
    assert first_broken_link(with_entry(number, replace(CHAIN[number], **edit))) == number + 1


@pytest.mark.parametrize("number", range(len(CHAIN) - 1))
def test_entry_that_was_dropped_is_missed(number: int) -> None:
    assert first_broken_link([*CHAIN[:number], *CHAIN[number + 1 :]]) == number + 1


@pytest.mark.parametrize("number", range(len(CHAIN) - 1))
def test_two_entries_that_changed_places_are_found(number: int) -> None:
    swapped = [*CHAIN[:number], CHAIN[number + 1], CHAIN[number], *CHAIN[number + 2 :]]
    assert first_broken_link(swapped) == number + 1


def test_entries_cut_out_and_numbered_anew_are_found() -> None:
    closed_up = [*CHAIN[:2], *(replace(e, seq=e.seq - 2) for e in CHAIN[4:])]
    assert first_broken_link(closed_up) == 3


def test_words_moved_from_one_field_to_the_next_are_found() -> None:
    entry = replace(CHAIN[2], actor=ACTOR + CHAIN[2].account[:1], account=CHAIN[2].account[1:])
    assert first_broken_link(with_entry(2, entry)) == 3


@given(st.lists(FACTS, min_size=1, max_size=5), st.data())
def test_any_change_of_a_stored_byte_is_found(recorded: list[Fact], data: st.DataObject) -> None:
    entries = list(log_of(*recorded)[1])
    number = data.draw(st.integers(0, len(entries) - 1))
    stored = bytearray(entries[number].data)
    stored[data.draw(st.integers(0, len(stored) - 1))] ^= data.draw(st.integers(1, 255))
    entries[number] = replace(entries[number], data=bytes(stored))
    assert first_broken_link(entries) == number + 1


@given(st.lists(INSTANTS, min_size=1, max_size=6))
def test_log_never_goes_back_in_time_whatever_the_clock_says(clock_says: list[datetime]) -> None:
    ticket, first = open_ticket(TICKET, reported(), at=START, actor=ACTOR)
    entries = [first]
    for at in clock_says:
        ticket, more = append(ticket, entries[-1].hash, notes(2), at=at, actor=ACTOR)
        entries += more
    times = [entry.at for entry in entries]
    assert times == sorted(times)
    assert first_broken_link(entries) is None


def test_log_that_does_not_begin_with_a_report_makes_no_ticket() -> None:
    with pytest.raises(ValueError, match="does not begin with a report"):
        fold(CHAIN[1:])
    with pytest.raises(ValueError, match="empty log"):
        fold([])


def test_entry_says_the_status_after_its_fact_and_counts_from_one() -> None:
    assert [entry.seq for entry in CHAIN] == [1, 2, 3, 4, 5, 6]
    assert {entry.status for entry in CHAIN} == {"acknowledged"}
    assert CHAIN[0].id == f"{TICKET}-1"
