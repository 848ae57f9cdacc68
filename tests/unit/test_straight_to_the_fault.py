"""When the faulty segment becomes known later its network is ordered to repair, once; what is disputed is the NOC's."""

import pytest

from services.intake import model as intake
from shared.contracts import facts as f
from shared.contracts import progress as p
from shared.ids import NetworkCode
from tests.registry import BEIJING, CHUXIONG, DALI, FAR, FOREIGN, KUNMING, LOST, TWO_PATHS, XIAN
from tests.unit.test_dispatcher_model import Life


def at_work(*networks: NetworkCode, circuit: str = FAR) -> Life:
    """Reported, dispatched, and accepted by these; the first is ordered by hand where it is no end."""
    life = Life(circuit)
    life.dispatch()
    for network in networks:
        if life.ticket.order_to(network) is None:
            life.by_hand(network)
        life.say(network, p.Accepted())
    return life


def found_in(segment: str, note: str | None = None) -> p.Progressed:
    return p.Progressed(stage="diagnosed", segment=segment, note=note)


def states(life: Life) -> dict[str, str]:
    return {order.network: order.state for order in life.ticket.orders}


def queued(life: Life) -> str:
    assert life.ticket.unroutable is not None
    return life.ticket.unroutable


def test_network_in_whose_segment_another_found_the_fault_is_ordered_with_what_was_found() -> None:
    life = at_work(CHUXIONG)
    progressed, ordered = life.say(CHUXIONG, found_in("backbone-1", "dark from Kunming on; 40 km"))
    assert isinstance(progressed, f.OrderProgressed)
    assert isinstance(ordered, f.OrderIssued)
    assert (ordered.network, ordered.kind, ordered.segments) == (KUNMING, "repair", ("backbone-1",))
    assert ordered.reason == f"fault known in backbone-1; found by {CHUXIONG}: dark from Kunming on; 40 km"
    assert states(life) == {CHUXIONG: "accepted", BEIJING: "issued", KUNMING: "issued"}


def test_diagnosis_that_is_said_again_orders_nobody_again() -> None:
    life = at_work(CHUXIONG)
    life.say(CHUXIONG, found_in("backbone-1"))
    assert len(life.say(CHUXIONG, found_in("backbone-1"))) == 1
    life.say(KUNMING, p.Accepted())
    assert len(life.say(KUNMING, found_in("backbone-1"))) == 1


def test_network_that_was_ordered_to_repair_goes_on_undisturbed() -> None:
    life = at_work(CHUXIONG)
    assert len(life.say(CHUXIONG, found_in("z-metro"))) == 1
    assert len(life.say(CHUXIONG, found_in("a-metro"))) == 1


@pytest.mark.parametrize("finder", [CHUXIONG, KUNMING])
def test_helper_in_whose_segment_the_fault_is_found_is_ordered_to_repair(finder: NetworkCode) -> None:
    life = at_work(CHUXIONG)
    life.say(CHUXIONG, p.AssistanceAsked(of=KUNMING))
    life.say(KUNMING, p.Accepted())
    life.say(finder, found_in("backbone-1"))
    order = life.ticket.order_to(KUNMING)
    assert order is not None
    assert (order.kind, order.state) == ("repair", "issued")


def test_helper_that_declined_to_help_is_ordered_to_repair_all_the_same() -> None:
    life = at_work(CHUXIONG)
    life.say(CHUXIONG, p.AssistanceAsked(of=KUNMING))
    life.say(KUNMING, p.Declined(reason="no_resources"))
    life.say(CHUXIONG, found_in("backbone-1"))
    assert (states(life)[KUNMING], life.ticket.unroutable) == ("issued", None)


def test_fault_at_an_outside_party_goes_to_the_nearest_network_and_leaves_orders_alone() -> None:
    life = Life(TWO_PATHS)
    life.by_hand(DALI)
    life.say(DALI, p.Accepted())
    life.say(DALI, found_in("z-tail"))
    assert states(life) == {DALI: "accepted", XIAN: "issued"}
    assert life.ticket.orders[-1].reason == (
        "nearest to z-tail of Metro Fibre Ltd: test up to the demarcation (ODF 3, contact Partner's desk"
        f" +86 21 5550 0134); found by {DALI}"
    )


@pytest.mark.parametrize(
    ("circuit", "segment", "why"), [(LOST, "a-access", "no local network 0999"), (FOREIGN, "z-tail", "no segment")]
)
def test_fault_for_which_nobody_can_be_ordered_is_the_nocs_and_who_is_at_work_stays(
    circuit: str, segment: str, why: str
) -> None:
    life = at_work(DALI, circuit=circuit)
    life.say(DALI, found_in(segment))
    assert why in queued(life)
    assert states(life) == {DALI: "accepted"}


@pytest.mark.parametrize("left", [p.Declined(reason="not_our_segment"), p.HandedOver(to=BEIJING)], ids=repr)
def test_network_that_left_the_repair_is_not_ordered_by_what_another_finds_but_the_noc_decides(
    left: p.Progress,
) -> None:
    life = at_work(BEIJING)
    life.say(CHUXIONG, left)
    before = states(life)
    life.say(BEIJING, found_in("a-metro", "it is theirs"))
    assert states(life) == before
    assert queued(life) == (f"fault known in a-metro; {CHUXIONG} has left the repair; found by {BEIJING}: it is theirs")
    assert len(life.say(BEIJING, found_in("a-metro"))) == 1


def disputed() -> Life:
    """Chuxiong declined what Beijing then found in its segment."""
    life = at_work(BEIJING)
    life.say(CHUXIONG, p.Declined(reason="not_our_segment"))
    life.say(BEIJING, found_in("a-metro"))
    return life


@pytest.mark.parametrize("to", [CHUXIONG, BEIJING])
def test_noc_decides_who_has_it_and_the_same_diagnosis_asks_it_no_more(to: NetworkCode) -> None:
    life = disputed()
    (ordered,) = life.by_hand(to)
    assert isinstance(ordered, f.OrderIssued)
    assert (ordered.network, life.ticket.unroutable) == (to, None)
    if to == BEIJING:
        life.say(BEIJING, p.Accepted())
    assert len(life.say(BEIJING, found_in("a-metro"))) == 1
    assert life.ticket.unroutable is None


def test_disputed_ticket_that_is_restored_waits_for_nobody() -> None:
    life = disputed()
    life.say(BEIJING, p.Restored())
    assert life.ticket.unroutable is None


def test_who_declines_what_was_found_on_its_segment_leaves_it_to_the_noc_though_others_are_at_work() -> None:
    life = at_work(CHUXIONG)
    life.say(CHUXIONG, found_in("backbone-1"))
    life.say(KUNMING, p.Declined(reason="no_resources"))
    assert queued(life) == f"fault known in backbone-1; {KUNMING}: no_resources"


def test_end_that_declines_what_was_found_at_the_outside_party_next_to_it_leaves_it_to_the_noc() -> None:
    life = at_work(CHUXIONG)
    life.say(CHUXIONG, found_in("z-lan"))
    life.say(BEIJING, p.Declined(reason="not_our_segment"))
    assert queued(life) == f"fault known in z-lan; {BEIJING}: not_our_segment"


@pytest.mark.parametrize("segment", [None, "backbone-1"])
def test_who_hands_what_was_found_on_its_segment_back_to_who_is_at_work_leaves_it_to_the_noc(
    segment: str | None,
) -> None:
    life = at_work(CHUXIONG)
    life.say(CHUXIONG, found_in("backbone-1"))
    life.say(KUNMING, p.HandedOver(to=CHUXIONG, segment=segment, reason="we are fine"))
    assert queued(life) == f"fault known in backbone-1; handed over by {KUNMING}: we are fine"
    assert states(life) == {CHUXIONG: "accepted", BEIJING: "issued", KUNMING: "handed_over"}


def test_who_hands_it_back_and_says_where_else_it_is_has_found_something_itself() -> None:
    life = at_work(CHUXIONG)
    life.say(CHUXIONG, found_in("backbone-1"))
    life.say(KUNMING, p.HandedOver(segment="a-metro"))
    assert life.ticket.unroutable is None
    life.say(CHUXIONG, found_in("backbone-1"))
    assert queued(life) == f"fault known in backbone-1; {KUNMING} has left the repair; found by {CHUXIONG}"


@pytest.mark.parametrize("by_hand", [True, False])
def test_who_gets_what_another_left_and_declines_it_leaves_it_to_the_noc(by_hand: bool) -> None:
    life = at_work(CHUXIONG)
    life.say(CHUXIONG, found_in("backbone-1"))
    life.say(KUNMING, p.Declined(reason="no_resources") if by_hand else p.HandedOver(to=DALI))
    if by_hand:
        life.by_hand(DALI)
    assert life.ticket.orders[-1].segments == ("backbone-1",)
    assert life.ticket.unroutable is None
    life.say(DALI, p.Declined(reason="no_resources"))
    assert queued(life) == f"fault known in backbone-1; {DALI}: no_resources"


def test_end_that_declines_a_fault_found_elsewhere_leaves_it_to_who_is_at_work() -> None:
    life = at_work(CHUXIONG)
    life.say(CHUXIONG, found_in("backbone-1"))
    assert len(life.say(BEIJING, p.Declined(reason="no_fault_found"))) == 1
    assert life.ticket.unroutable is None


def test_further_report_that_names_the_segment_orders_its_network_besides() -> None:
    life = at_work(CHUXIONG)
    life.report_again("backbone-1")
    (ordered,) = life.dispatch(named=True)
    assert isinstance(ordered, f.OrderIssued)
    assert (ordered.network, ordered.reason) == (KUNMING, "fault known in backbone-1; named by a further report")
    assert states(life) == {CHUXIONG: "accepted", BEIJING: "issued", KUNMING: "issued"}


def test_segment_named_before_anybody_was_ordered_goes_to_its_network_only() -> None:
    life = Life()
    life.report_again("backbone-1")
    life.dispatch(named=True)
    assert states(life) == {KUNMING: "issued"}


def test_segment_that_is_named_later_than_another_orders_nobody() -> None:
    life = at_work(CHUXIONG)
    for segment in ("backbone-1", "backbone-2"):
        life.report_again(segment)
        life.dispatch(named=True)
    assert (life.ticket.segment, sorted(states(life))) == ("backbone-1", sorted([BEIJING, KUNMING, CHUXIONG]))


def test_customers_word_orders_nobody_once_a_network_has_found_the_fault() -> None:
    life = at_work(CHUXIONG)
    life.say(CHUXIONG, found_in("a-access"))
    life.report_again("backbone-1")
    assert not life.dispatch(named=True)
    assert (life.ticket.segment, life.ticket.fault_segment) == ("backbone-1", "a-access")


def test_customers_word_neither_orders_who_left_nor_asks_the_noc() -> None:
    life = at_work(BEIJING)
    life.say(CHUXIONG, p.Declined(reason="no_fault_found"))
    life.report_again("a-access")
    assert not life.dispatch(named=True)
    assert life.ticket.unroutable is None


def test_customers_word_takes_the_ticket_out_of_the_nocs_queue_by_an_order() -> None:
    life = Life()
    life.dispatch()
    for network in (CHUXIONG, BEIJING):
        life.say(network, p.Declined(reason="no_fault_found"))
    life.report_again("backbone-1")
    life.dispatch(named=True)
    assert (states(life)[KUNMING], life.ticket.unroutable) == ("issued", None)


@pytest.mark.parametrize(("named", "ordered"), [("backbone-1", {BEIJING, KUNMING}), ("z-access", {BEIJING})])
def test_report_that_reopens_and_names_the_segment_orders_who_restored_and_its_network_once_each(
    named: str, ordered: set[str]
) -> None:
    life = at_work(BEIJING)
    life.say(BEIJING, p.Restored())
    life.report_again(named)
    found = life.dispatch(named=True)
    assert sorted(fact.network for fact in found if isinstance(fact, f.OrderIssued)) == sorted(ordered)


def test_segment_that_the_registry_no_longer_has_orders_nobody() -> None:
    life = at_work(CHUXIONG)
    life.report_again("gone")
    assert not life.dispatch(named=True)


def test_cancelled_ticket_is_stood_down_whatever_a_further_report_named() -> None:
    life = at_work(CHUXIONG)
    life.report_again("backbone-1")
    life.decided(intake.cancel(life.ticket, life.now, reason=None))
    assert {type(fact) for fact in life.dispatch(named=True)} == {f.OrderStoodDown}
