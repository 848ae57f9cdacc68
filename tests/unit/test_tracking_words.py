"""The page of a tracking link can say every step that a link shows, in both languages, with what it is told."""

import re
from dataclasses import fields
from typing import get_args

import pytest

from services.notifier.tracking.page.words import LABELS, MORE, STEPS, spoken
from services.notifier.tracking.view import SHOWN
from shared.contracts import facts as f
from shared.contracts.facts import Fact
from shared.contracts.vocabulary import STATUS, VALUES
from shared.tickets.model import Status

SLOT = re.compile(r"\{(\w*)\}")
ALWAYS = {  # what a fact of this type is never without
    type_: {field.name for field in fields(type_) if field.default is not None} for type_ in SHOWN
}


@pytest.mark.parametrize("fact", SHOWN, ids=lambda fact: fact.__name__)
def test_every_step_has_its_sentence_and_it_needs_nothing_that_may_be_missing(fact: type[Fact]) -> None:
    for sentence in STEPS[f.NAMES[fact]]:
        assert set(SLOT.findall(sentence)) <= set(SHOWN[fact]) & ALWAYS[fact]


@pytest.mark.parametrize("pair", [*LABELS.values(), *STEPS.values(), *MORE.values()], ids=lambda pair: pair[1])
def test_both_languages_tell_the_same(pair: tuple[str, str]) -> None:
    zh, en = (sorted(SLOT.findall(said)) for said in pair)
    assert zh == en


def test_every_code_that_is_shown_has_its_word() -> None:
    coded = {word for kind in (f.Impact, f.Stage, f.SuspendReason, f.Cause) for word in get_args(kind)}
    for words in spoken().values():
        assert coded <= set(words["codes"]) == set(VALUES)
        assert set(get_args(Status)) == set(words["statuses"]) == set(STATUS)
