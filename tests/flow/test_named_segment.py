"""A report that names the faulty segment goes to that segment's network only."""

import pytest

from shared.ids import NetworkCode
from tests.centers import House
from tests.registry import BEIJING, CHUXIONG, FAR, KUNMING, SHANGHAI, TAILED


async def test_named_segment_goes_to_its_network_only(any_center: House) -> None:
    ticket = await any_center.customer.report(FAR, segment="backbone-1")
    (order,) = (await any_center.ordered(ticket, KUNMING))["orders"]
    assert order["segments"] == ["backbone-1"]


@pytest.mark.parametrize(
    ("circuit", "segment", "nearest"),
    [(FAR, "a-lan", CHUXIONG), (FAR, "z-lan", BEIJING), (TAILED, "z-tail", SHANGHAI), (TAILED, "z-lan", SHANGHAI)],
)
async def test_segment_of_an_outside_party_goes_to_the_nearest_network(
    embedded: House, circuit: str, segment: str, nearest: NetworkCode
) -> None:
    ticket = await embedded.customer.report(circuit, segment=segment)
    (order,) = (await embedded.ordered(ticket, nearest))["orders"]
    assert "demarcation" in order["reason"]
