"""Ids can be read over the telephone, and an order's id contains its ticket's and its network's."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import ids
from shared.ids import NetworkCode, TicketId
from shared.testing.clock import START
from tests.cases import TICKET
from tests.strategies import NETWORKS


def test_ticket_id_says_its_day_and_has_no_letter_to_be_misheard() -> None:
    id = ids.new_ticket_id(START)
    assert re.match(ids.TICKET_PATTERN, id)
    assert id.startswith("VT261121-")
    assert not set(id.partition("-")[2]) & set("ILOU")


def test_ten_thousand_ticket_ids_are_all_different() -> None:
    assert len({ids.new_ticket_id(START) for _ in range(10_000)}) == 10_000


@given(NETWORKS)
def test_order_id_splits_into_its_ticket_and_network(network: NetworkCode) -> None:
    order = ids.order_id(TICKET, network)
    assert re.match(ids.ORDER_PATTERN, order)
    assert ids.split_order_id(order) == (TICKET, network)


@pytest.mark.parametrize(
    "wrong",
    [
        TICKET,
        f"{TICKET}.",
        f"{TICKET}.10",
        f"{TICKET}.01000",
        f"{TICKET}.0878\n",
        f"{TICKET}.０878",
        f" {TICKET}.0878",
        "VT261121-7K3QM9XI.0878",
        "VT２61121-7K3QM9XA.0878",
        "",
    ],
)
def test_what_is_no_order_id_splits_into_nothing(wrong: str) -> None:
    assert ids.split_order_id(wrong) is None


@given(st.text())
def test_splitting_any_text_never_fails(text: str) -> None:
    split = ids.split_order_id(text)
    assert split is None or ids.order_id(*split) == text


def test_event_id_counts_within_its_ticket() -> None:
    assert ids.event_id(TicketId("VT261121-7K3QM9XA"), 12) == "VT261121-7K3QM9XA-12"


def test_subscription_ids_are_all_different() -> None:
    assert len({ids.new_subscription_id() for _ in range(1000)}) == 1000
