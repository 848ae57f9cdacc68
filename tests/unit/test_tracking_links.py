"""A tracking link's token is known by its signature alone, and nothing else is taken for one."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.tracking.links import Link, LinkMint, new_link_id
from shared.contracts.facts import Contact
from shared.ids import AccountId
from shared.secrets import Secrets
from shared.testing.clock import START
from tests.cases import TICKET
from tests.keys import MASTER

MINT = LinkMint("live", Secrets(MASTER))
ID = "3f09c2a1b7d4"
TOKEN = MINT.token(ID)


def test_token_names_its_link_and_can_be_told_from_a_key() -> None:
    assert MINT.id_of(TOKEN) == ID
    assert TOKEN.startswith(f"vrt_live_{ID}_")
    assert len({MINT.token(new_link_id()) for _ in range(100)}) == 100


@given(st.integers(0, len(TOKEN) - 1), st.characters())
def test_no_character_can_be_changed(place: int, other: str) -> None:
    forged = TOKEN[:place] + other + TOKEN[place + 1 :]
    assert forged == TOKEN or MINT.id_of(forged) is None


@given(st.text())
def test_nothing_else_is_a_token(text: str) -> None:
    assert MINT.id_of(text) is None
    assert MINT.id_of(f"vrt_live_{ID}_{text}") is None


@pytest.mark.parametrize("other", [LinkMint("test", Secrets(MASTER)), LinkMint("live", Secrets(bytes(32)))])
def test_token_of_another_center_is_none(other: LinkMint) -> None:
    assert MINT.id_of(other.token(ID)) is None


def test_state_follows_the_clock_and_revocation_is_for_ever() -> None:
    ends = START + timedelta(hours=1)
    link = Link(ID, TICKET, AccountId("a"), "label", Contact(), "account:a", START, ends)
    revoked = Link(ID, TICKET, AccountId("a"), "label", Contact(), "account:a", START, ends, START)
    assert [link.state(START), link.state(ends), revoked.state(ends)] == ["live", "expired", "revoked"]
