"""What the dispatcher decides: dispatching again changes nothing, and each verb is legal when the tables say so."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatcher import model
from services.dispatcher.model import Ground
from services.intake import model as intake
from shared.contracts import facts as f
from shared.contracts import progress as p
from shared.errors import IllegalMove, InvalidInput, NotFound
from shared.ids import CircuitId, NetworkCode
from shared.testing.clock import START
from shared.tickets.log import append, open_ticket
from shared.tickets.model import LIVE, ORDER_MOVES, OrderState
from tests.cases import ACTOR, MINUTE, TICKET, reported
from tests.registry import BEIJING, CHUXIONG, CIRCUITS, DALI, FAR, KUNMING, LOST, NETWORKS

BY_ID = {circuit.id: circuit for circuit in CIRCUITS}
KNOWN = {network.code for network in NETWORKS}
SAYINGS: tuple[p.Progress, ...] = (
    p.Accepted(),
    p.Declined(reason="no_resources"),
    p.Progressed(stage="diagnosed", segment="backbone-1"),
    p.Suspended(reason="customer_unavailable"),
    p.Suspended(reason="spares"),
    p.Resumed(),
    p.Progressed(stage="diagnosed", segment="a-access"),
    p.AssistanceAsked(of=DALI),
    p.AssistanceAsked(of=KUNMING),
    p.HandedOver(segment="backbone-2"),
    p.HandedOver(to=CHUXIONG),
    p.Restored(),
    p.FaultReportGiven(text="a digger", cause="fibre", remedy_code="spliced"),
)
SPEAKERS = (CHUXIONG, BEIJING, KUNMING, DALI, NetworkCode("029"))


@dataclass
class Life:
    """One ticket and everything that is decided about it."""

    circuit: str = FAR
    now: datetime = START
    facts: list[f.Fact] = field(default_factory=list)

    def __post_init__(self) -> None:
        fact = reported(circuit=CircuitId(self.circuit))
        self.ticket, entry = open_ticket(TICKET, fact, at=START, actor=ACTOR)
        self._head = entry.hash
        self.ground = Ground(KNOWN.__contains__, BY_ID[CircuitId(self.circuit)])

    def decided(self, facts: Sequence[f.Fact]) -> Sequence[f.Fact]:
        self.now += MINUTE
        self.ticket, entries = append(self.ticket, self._head, facts, at=self.now, actor=ACTOR)
        self._head = entries[-1].hash if entries else self._head
        self.facts += facts
        return facts

    def dispatch(self, *, named: bool = False) -> Sequence[f.Fact]:
        return self.decided(model.dispatch(self.ticket, self.now, ground=self.ground, named=named))

    def report_again(self, segment: str | None = None) -> Sequence[f.Fact]:
        return self.decided(intake.join(self.ticket, reported(segment=segment)) if not self.ticket.is_over else ())

    def say(self, network: NetworkCode, said: p.Progress) -> Sequence[f.Fact]:
        facts = model.progress(self.ticket, self.now, network=network, said=said, ground=self.ground)
        return self.decided(facts)

    def by_hand(self, *networks: NetworkCode) -> Sequence[f.Fact]:
        facts = model.route_by_hand(self.ticket, self.now, networks=networks, reason="by hand", ground=self.ground)
        return self.decided(facts)


Step = Callable[[Life], Sequence[f.Fact]]
STEPS: Sequence[Step] = (
    Life.dispatch,
    *(lambda life, n=n, s=s: life.say(n, s) for n in SPEAKERS for s in SAYINGS),
    lambda life: life.by_hand(DALI),
    lambda life: life.by_hand(BEIJING, KUNMING),
    lambda life: life.decided(intake.reopen(life.ticket, life.now, reason="not back")),
    Life.report_again,
    lambda life: life.report_again("backbone-2"),
    lambda life: life.dispatch(named=True),
)
ENDINGS: Sequence[Step] = (
    lambda life: life.decided(intake.confirm(life.ticket, life.now, comment=None)),
    lambda life: life.decided(intake.cancel(life.ticket, life.now, reason=None)),
    lambda life: life.decided(model.reject(life.ticket, life.now, reason="not ours")),
)
WISHES = [Random(n).sample(STEPS, len(STEPS)) for n in range(95)] + [Random(n).sample(ENDINGS, 3) for n in range(5)]
WAYS = st.lists(st.integers(0, len(WISHES) - 1), min_size=1, max_size=30)
CIRCUIT_IDS = st.sampled_from([circuit.id for circuit in CIRCUITS])


def lived(circuit: str, way: Sequence[int]) -> Life:
    """A life: each number stands for an order of wishes, of which the first that is legal happens."""
    life = Life(circuit)
    for number in way:
        for step in WISHES[number]:
            with suppress(IllegalMove, InvalidInput, NotFound):
                if step(life):
                    break
    return life


@given(CIRCUIT_IDS, WAYS)
def test_dispatching_again_gives_no_facts(circuit: str, way: Sequence[int]) -> None:
    life = lived(circuit, way)
    life.dispatch(named=True)
    assert not life.dispatch(named=True)
    assert not life.dispatch()


@given(CIRCUIT_IDS, WAYS)
def test_never_two_orders_of_one_ticket_to_one_network(circuit: str, way: Sequence[int]) -> None:
    life = lived(circuit, way)
    networks = [order.network for order in life.ticket.orders]
    assert len(networks) == len(set(networks))
    assert {order.id for order in life.ticket.orders} == {f"{TICKET}.{network}" for network in networks}


@given(CIRCUIT_IDS, WAYS)
def test_live_order_is_issued_again_only_to_who_takes_the_repair_over(circuit: str, way: Sequence[int]) -> None:
    """Who assisted is to repair, what was not accepted yet is handed over by another, or the NOC leaves it to it."""
    life = lived(circuit, way)
    live: dict[NetworkCode, tuple[str, bool]] = {}
    queued = False
    before: f.Fact | None = None
    for fact in life.facts:
        match fact:
            case f.OrderIssued(network=network, kind=kind):
                if network in live:
                    handed_over = isinstance(before, f.OrderHandedOver) and before.to == network
                    was, accepted = live[network]
                    assert kind == "repair"
                    assert was == "assistance" or (handed_over and not accepted) or queued
                live[network] = kind, False
                queued = queued and isinstance(before, f.AssistanceRequested)
            case f.TicketUnroutable():
                queued = True
            case f.OrderAccepted(network=network):
                live[network] = live[network][0], True
            case f.OrderDeclined() | f.OrderHandedOver() | f.OrderStoodDown() | f.ServiceRestored():
                del live[fact.network]
            case _:
                pass
        before = fact
    assert live.keys() == {order.network for order in life.ticket.live_orders}


@given(CIRCUIT_IDS, WAYS)
def test_dispatched_ticket_is_at_work_or_in_the_queue_or_done(circuit: str, way: Sequence[int]) -> None:
    life = lived(circuit, way)
    life.dispatch()
    ticket = life.ticket
    repaired = any(order.kind == "repair" for order in ticket.live_orders)
    queued = ticket.unroutable is not None
    assert (repaired or queued) == (not ticket.is_over and ticket.status != "resolved")
    assert not (repaired and queued) or ticket.fault_segment, "only who is to repair what was found is in dispute"


@given(CIRCUIT_IDS, WAYS)
def test_clock_stands_still_only_for_an_order_that_is_live(circuit: str, way: Sequence[int]) -> None:
    ticket = lived(circuit, way).ticket
    assert (ticket.status in ("pending", "held")) == (ticket.suspension is not None)
    if ticket.suspension is not None:
        assert ticket.suspension.order in [order.id for order in ticket.live_orders]


WAY_TO: dict[OrderState, Sequence[tuple[NetworkCode, p.Progress]]] = {
    "issued": (),
    "accepted": ((CHUXIONG, p.Accepted()),),
    "declined": ((CHUXIONG, p.Declined(reason="other")),),
    "handed_over": ((CHUXIONG, p.HandedOver(to=DALI)),),
    "restored": ((CHUXIONG, p.Accepted()), (CHUXIONG, p.Restored())),
    "stood_down": ((BEIJING, p.Accepted()), (BEIJING, p.Restored())),
}


@pytest.mark.parametrize("said", SAYINGS, ids=repr)
@pytest.mark.parametrize("state", WAY_TO)
def test_each_verb_is_legal_as_the_table_says(state: OrderState, said: p.Progress) -> None:
    life = Life()
    life.dispatch()
    for network, before in WAY_TO[state]:
        life.say(network, before)
    if isinstance(said, p.Resumed) and state == "accepted":
        life.say(CHUXIONG, p.Suspended(reason="spares"))
    said = p.HandedOver(to=KUNMING) if said == p.HandedOver(to=CHUXIONG) else said
    if p.VERB_OF[type(said)] in ORDER_MOVES[state]:
        assert life.say(CHUXIONG, said)
    else:
        with pytest.raises(IllegalMove) as refused:
            life.say(CHUXIONG, said)
        assert refused.value.legal == ORDER_MOVES[state]


@pytest.mark.parametrize("state", WAY_TO)
def test_ticket_that_is_over_has_no_live_order_once_dispatched(state: OrderState) -> None:
    life = Life()
    life.dispatch()
    for network, said in WAY_TO[state]:
        life.say(network, said)
    closing = intake.confirm if life.ticket.status == "resolved" else intake.cancel
    life.decided(closing(life.ticket, life.now, **{"comment" if closing is intake.confirm else "reason": None}))
    life.dispatch()
    assert [order for order in life.ticket.orders if order.state in LIVE] == []


def test_routed_by_hand_before_it_was_dispatched_it_is_not_routed_again() -> None:
    life = Life()
    life.by_hand(DALI)
    assert not life.dispatch()


def test_network_that_is_named_twice_by_hand_is_ordered_once() -> None:
    life = Life()
    life.dispatch()
    (order,) = life.by_hand(DALI, DALI)
    assert isinstance(order, f.OrderIssued)
    assert order.network == DALI


def test_unroutable_is_said_once() -> None:
    life = Life(LOST)
    assert [type(fact) for fact in life.dispatch()] == [f.TicketUnroutable]
    assert not life.dispatch()


def test_reopened_it_goes_to_the_network_that_restored_and_to_nobody_else() -> None:
    life = Life()
    life.dispatch()
    for said in (p.Accepted(), p.Restored()):
        life.say(BEIJING, said)
    life.decided(intake.reopen(life.ticket, life.now, reason="not back"))
    (again,) = life.dispatch()
    assert isinstance(again, f.OrderIssued)
    assert (again.network, again.round) == (BEIJING, 2)


def test_network_that_was_ordered_by_hand_hands_over_by_segment() -> None:
    life = Life()
    life.by_hand(DALI)
    life.say(DALI, p.HandedOver(segment="backbone-1"))
    assert [order.network for order in life.ticket.live_orders] == [KUNMING]


def assisted() -> Life:
    """Dali is ordered alone, has accepted and asked Kunming for assistance."""
    life = Life()
    life.by_hand(DALI)
    life.say(DALI, p.Accepted())
    life.say(DALI, p.AssistanceAsked(of=KUNMING, note="test towards us"))
    return life


def test_who_is_asked_for_assistance_reads_what_for() -> None:
    (order,) = (o for o in assisted().ticket.orders if o.network == KUNMING)
    assert (order.kind, order.reason) == ("assistance", f"asked for assistance by {DALI}: test towards us")


@pytest.mark.parametrize("accepts", [True, False])
def test_who_assists_and_is_handed_the_repair_is_ordered_to_repair(accepts: bool) -> None:
    life = assisted()
    if accepts:
        life.say(KUNMING, p.Accepted())
    life.say(DALI, p.HandedOver(to=KUNMING, reason="it is yours", segment="backbone-1"))
    (order,) = life.ticket.live_orders
    assert (order.network, order.kind, order.state) == (KUNMING, "repair", "issued")
    assert (order.segments, order.reason) == (("backbone-1",), f"handed over by {DALI}: it is yours")


def test_end_that_has_not_accepted_reads_what_the_other_found() -> None:
    life = Life()
    life.dispatch()
    life.say(BEIJING, p.Accepted())
    life.say(BEIJING, p.HandedOver(to=CHUXIONG, reason="the far end is dark"))
    (order,) = life.ticket.live_orders
    assert (order.network, order.reason) == (CHUXIONG, f"handed over by {BEIJING}: the far end is dark")


def test_end_that_is_at_work_on_the_repair_goes_on_when_the_other_leaves_it_to_it() -> None:
    life = Life()
    life.dispatch()
    for network in (BEIJING, CHUXIONG):
        life.say(network, p.Accepted())
    assert [type(fact) for fact in life.say(BEIJING, p.HandedOver(to=CHUXIONG))] == [f.OrderHandedOver]
    assert life.say(CHUXIONG, p.Progressed(stage="on_site"))


def test_who_declined_to_assist_is_ordered_anew_when_it_is_asked_again() -> None:
    life = assisted()
    asks = p.AssistanceAsked(of=KUNMING)
    assert [type(fact) for fact in life.say(DALI, asks)] == [f.AssistanceRequested]
    life.say(KUNMING, p.Declined(reason="no_resources"))
    assert [type(fact) for fact in life.say(DALI, asks)] == [f.AssistanceRequested, f.OrderIssued]


def test_suspension_stands_when_another_network_leaves_the_work() -> None:
    life = assisted()
    life.say(DALI, p.Suspended(reason="spares"))
    life.say(KUNMING, p.Declined(reason="no_resources"))
    assert life.ticket.suspension is not None


def test_helper_alone_is_nobody_at_work() -> None:
    life = assisted()
    assert [type(fact) for fact in life.say(DALI, p.Declined(reason="no_resources"))] == [
        f.OrderDeclined, f.TicketUnroutable,
    ]  # fmt: skip
    assert [type(fact) for fact in life.say(KUNMING, p.Declined(reason="no_resources"))] == [f.OrderDeclined]


def test_noc_can_have_the_helper_repair() -> None:
    life = assisted()
    life.say(DALI, p.Declined(reason="no_resources"))
    life.by_hand(KUNMING)
    assert [(order.network, order.kind) for order in life.ticket.live_orders] == [(KUNMING, "repair")]
    assert life.ticket.unroutable is None


def test_helper_that_asks_for_help_takes_no_ticket_out_of_the_nocs_queue() -> None:
    life = assisted()
    life.say(DALI, p.Declined(reason="no_resources"))
    life.say(KUNMING, p.Accepted())
    life.say(KUNMING, p.AssistanceAsked(of=BEIJING))
    assert life.ticket.unroutable is not None


@pytest.mark.parametrize("back", [START - timedelta(milliseconds=1), START + timedelta(days=400)])
def test_estimate_that_nobody_can_mean_is_refused(back: datetime) -> None:
    life = Life()
    life.dispatch()
    with pytest.raises(InvalidInput, match="expected_restoration_at"):
        life.say(BEIJING, p.Accepted(expected_restoration_at=back))
    life.say(BEIJING, p.Accepted(expected_restoration_at=START + timedelta(days=30)))
    with pytest.raises(InvalidInput, match="expected_restoration_at"):
        life.say(BEIJING, p.Progressed(stage="diagnosed", expected_restoration_at=back))


def test_time_that_was_before_the_report_or_has_not_come_is_refused() -> None:
    life = Life()
    life.dispatch()
    for at in (START - timedelta(seconds=61), life.now + timedelta(seconds=61)):
        with pytest.raises(InvalidInput, match="occurred_at"):
            life.say(BEIJING, p.Accepted(occurred_at=at))
    assert life.say(BEIJING, p.Accepted(occurred_at=START))
    now = life.now
    life.say(BEIJING, p.Restored(restored_at=now + timedelta(seconds=60)))  # its clock is a little fast
    assert life.ticket.restored_at == now


def begun(**hours: float) -> Life:
    """Ordered and accepted at once; the clock is on to so many hours later."""
    life = Life()
    life.dispatch()
    life.say(BEIJING, p.Accepted())
    life.say(CHUXIONG, p.Accepted())
    life.now += timedelta(**hours)
    return life


def test_clocks_that_differ_by_a_minute_are_put_right() -> None:
    life, late = begun(hours=1), START - timedelta(seconds=50)
    (suspended,) = life.say(BEIJING, p.Suspended(reason="spares", occurred_at=late))
    (resumed,) = life.say(BEIJING, p.Resumed(occurred_at=late))
    fast = life.now + timedelta(seconds=50)
    restored, *_ = life.say(BEIJING, p.Restored(restored_at=fast))
    assert [getattr(fact, "occurred_at", None) for fact in (suspended, resumed)] == [START, START]
    assert isinstance(restored, f.ServiceRestored)
    assert restored.restored_at == fast - timedelta(seconds=50) == life.ticket.restored_at


@pytest.mark.parametrize(
    "said",
    [
        p.Resumed(occurred_at=START + 30 * MINUTE), p.HandedOver(to=DALI, occurred_at=START + 30 * MINUTE),
        p.Declined(reason="other", occurred_at=START + 30 * MINUTE),
    ],
)  # fmt: skip
def test_pause_does_not_end_before_it_began(said: p.Progress) -> None:
    life = begun(hours=1)
    life.say(BEIJING, p.Suspended(reason="spares", occurred_at=START + 40 * MINUTE))
    with pytest.raises(InvalidInput, match=r"occurred_at: is before .*T08:40:00\.000Z, when the work was suspended"):
        life.say(BEIJING, said)


def test_pause_does_not_begin_before_the_last_one_ended() -> None:
    life = begun(hours=1)
    life.say(BEIJING, p.Suspended(reason="spares", occurred_at=START + 20 * MINUTE))
    life.say(BEIJING, p.Resumed(occurred_at=START + 40 * MINUTE))
    with pytest.raises(InvalidInput, match=r"occurred_at: is before .*T08:40:00\.000Z, when the work went on"):
        life.say(CHUXIONG, p.Suspended(reason="internal", occurred_at=START + 30 * MINUTE))


def test_service_may_have_been_back_before_the_work_was_suspended() -> None:
    life = begun(hours=1)
    life.say(BEIJING, p.Suspended(reason="awaiting_customer_test", occurred_at=START + 40 * MINUTE))
    life.say(BEIJING, p.Restored(restored_at=START + 20 * MINUTE))
    assert life.ticket.restored_at == START + 20 * MINUTE


def test_what_is_said_to_be_from_before_a_reopening_is_from_then() -> None:
    life = begun(hours=1)
    life.say(BEIJING, p.Restored())
    life.decided(intake.reopen(life.ticket, life.now, reason="dark"))
    reopened, earlier = life.now, START + 50 * MINUTE
    life.dispatch()
    life.say(BEIJING, p.Accepted(occurred_at=earlier))
    life.say(BEIJING, p.Suspended(reason="spares", occurred_at=earlier))
    life.say(BEIJING, p.Resumed(occurred_at=earlier))
    restored, *_ = life.say(BEIJING, p.Restored(restored_at=earlier))
    assert isinstance(restored, f.ServiceRestored)
    assert restored.restored_at == reopened == life.ticket.restored_at


def test_pause_ends_when_the_order_that_suspended_it_did() -> None:
    life = begun(hours=1)
    life.say(BEIJING, p.Suspended(reason="customer_power", evidence="no mains", occurred_at=START + 20 * MINUTE))
    resumed, *_ = life.say(BEIJING, p.HandedOver(to=DALI, occurred_at=START + 30 * MINUTE))
    assert isinstance(resumed, f.TicketResumed)
    assert resumed.occurred_at == START + 30 * MINUTE
