"""What follows from a circuit's segments: how far the service reaches, who answers for what."""

import pytest

from shared.contracts.facts import Scope
from shared.ids import AccountId, CircuitId
from shared.registry.model import Circuit, End, Segment, domain, scope
from shared.registry.model.circuit import answers_for
from shared.registry.model.service import DOMAINS
from tests.registry import BEIJING

OURS = Segment("a-access", "access", "a", BEIJING)
PARTNERS = Segment("z-tail", "third-party", "z", party="Partner")
LAN = Segment("a-lan", "customer-lan", "a", party="customer")
OUR_LAN = Segment("a-lan", "customer-lan", "a", BEIJING)


def circuit(*segments: Segment) -> Circuit:
    end = End(BEIJING, "site")
    return Circuit(CircuitId("C-1"), AccountId("a"), "ip-vpn", 100, False, end, end, segments)


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ([OURS], "own"),
        ([OURS, PARTNERS], "with-partner"),
        ([LAN, OURS], "with-customer-lan"),
        ([LAN, OURS, PARTNERS], "with-customer-lan"),
        ([OUR_LAN, OURS], "with-customer-lan"),
    ],
)
def test_scope_follows_from_the_segments(segments: list[Segment], expected: Scope) -> None:
    assert scope(circuit(*segments)) == expected


def test_customers_lan_is_ours_where_a_network_is_responsible_for_it() -> None:
    assert answers_for(circuit(OUR_LAN, OURS), "customer-lan") == BEIJING
    assert answers_for(circuit(LAN, OURS), "customer-lan") is None


def test_every_service_has_a_domain() -> None:
    assert set(DOMAINS.values()) == {"data", "transmission", "access", "voice", "intelligent-network"}
    assert (domain("dwdm"), domain("telex")) == ("transmission", None)
