"""What is said of when a service will be back: from repairs like this one, anew when it is news, and never chatty."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from services.dispatcher import model as dispatcher
from services.dispatcher.model import Ground
from services.dispatcher.prediction.foretelling import foretell, with_what_follows
from services.dispatcher.prediction.history import ENOUGH, Case, History
from shared.contracts import facts as f
from shared.contracts import progress as p
from shared.ids import CircuitId
from shared.testing.clock import START
from shared.tickets import model
from shared.tickets.expected import expected
from shared.tickets.model import Ticket
from tests.cases import MINUTE, TICKET, reported
from tests.registry import BEIJING, CHUXIONG, CIRCUITS, FAR, KUNMING
from tests.unit.test_deadlines import TERMS

CIRCUIT = next(circuit for circuit in CIRCUITS if circuit.id == FAR)
GROUND = Ground(lambda code: True, CIRCUIT)
MIN = 60_000
HOUR = timedelta(hours=1)


def history(*known: tuple[Case, float], count: int = 200) -> History:
    """Of each case so many repairs around so many hours."""
    found, rng = History(), Random(3)
    for case, hours in known:
        for _ in range(count):
            found.learn(case, round(hours * 60 * MIN * rng.lognormvariate(0, 0.5)))
    return found


CHUXIONG_METRO = (Case(networks=(CHUXIONG,), segment="metro", impact="down"), 2.0)
BEIJING_METRO = (Case(networks=(BEIJING,), segment="metro", impact="down"), 6.0)
BOTH = history(CHUXIONG_METRO, BEIJING_METRO)


class Life:
    """A ticket of the circuit from Chuxiong to Beijing, and what was recorded of it."""

    def __init__(self, known: History) -> None:
        self.known, self.facts = known, list[f.Fact]()
        self.ticket: Ticket = model.opened(TICKET, reported(circuit=CircuitId(FAR), terms=TERMS), START)
        self._record(dispatcher.dispatch(self.ticket, START, ground=GROUND), START)

    def _record(self, facts: Sequence[f.Fact], now: datetime) -> Sequence[f.RestorationPredicted]:
        found = with_what_follows(self.ticket, facts, now, circuit=CIRCUIT, history=self.known)
        for fact in found:
            self.ticket = model.evolve(self.ticket, fact, now)
        self.facts += found
        return [fact for fact in found if isinstance(fact, f.RestorationPredicted)]

    def say(self, minute: int, network: str, said: p.Progress) -> Sequence[f.RestorationPredicted]:
        now = START + minute * MINUTE
        return self._record(
            dispatcher.progress(self.ticket, now, network=network, said=said, ground=GROUND), now  # type: ignore[arg-type]
        )  # fmt: skip

    def look(self, minute: int) -> Sequence[f.RestorationPredicted]:
        """As the tick does, once what was said has passed."""
        now, said = START + minute * MINUTE, expected(self.ticket)
        if said is None or said.at > now:
            return []
        return self._record(foretell(self.ticket, now, circuit=CIRCUIT, history=self.known), now)

    @property
    def predicted(self) -> f.RestorationPredicted:
        assert self.ticket.predicted is not None
        return self.ticket.predicted


def test_prediction_is_recorded_with_the_orders_from_the_networks_that_were_ordered() -> None:
    life = Life(BOTH)
    assert [type(fact) for fact in life.facts[-2:]] == [f.OrderIssued, f.RestorationPredicted]
    assert (life.predicted.basis, life.predicted.samples) == ("network+impact", 400)
    assert START < life.predicted.earliest_at < life.predicted.expected_at < life.predicted.latest_at


def test_found_segment_narrows_it_to_its_own_network() -> None:
    life = Life(BOTH)
    life.say(2, CHUXIONG, p.Accepted())
    (said,) = life.say(20, CHUXIONG, p.Progressed(stage="diagnosed", segment="a-metro"))
    assert said.basis == "network+segment+impact"
    assert said.expected_at - START < 2.5 * HOUR


def test_hand_over_moves_it_to_the_other_networks_times() -> None:
    life = Life(history(CHUXIONG_METRO, (replace(BEIJING_METRO[0], networks=(KUNMING,), segment="backbone"), 6.0)))
    (said,) = life.say(20, CHUXIONG, p.HandedOver(segment="backbone-1", reason="not ours"))
    assert life.ticket.fault_segment == "backbone-1"
    assert said.expected_at - START > 5 * HOUR


def test_few_repairs_like_this_one_leave_the_answer_to_a_wider_group() -> None:
    known = history(CHUXIONG_METRO)
    lonely = (replace(CHUXIONG_METRO[0], segment="access"), 50.0)
    for _ in range(ENOUGH - 5):
        known.learn(lonely[0], 50 * 60 * MIN)
    found = known.like(lonely[0], beyond=0)
    assert found
    assert found.basis == "network+impact"


def test_ticket_without_history_is_expected_by_its_target_and_nothing_is_recorded() -> None:
    life = Life(History())
    assert not any(isinstance(fact, f.RestorationPredicted) for fact in life.facts)


def test_ticket_that_lasted_long_is_not_expected_in_the_past() -> None:
    life = Life(BOTH)
    (said,) = life.look(8 * 60)
    assert START + 8 * HOUR < said.earliest_at < said.expected_at
    assert said.expected_at > life.facts[-2].expected_at  # type: ignore[union-attr]


def test_ticket_of_another_century_is_foretold_within_ten_years() -> None:
    life = Life(BOTH)
    (said,) = life.look(4000 * 366 * 24 * 60)
    assert said.latest_at - (START + 4000 * 366 * 24 * HOUR) < 10 * 366 * 24 * HOUR


def test_prediction_that_still_stands_is_not_said_again() -> None:
    life = Life(BOTH)
    assert life.look(1) == life.look(30) == []
    assert life.say(31, BEIJING, p.Accepted()) == life.say(32, BEIJING, p.Progressed(stage="diagnosing")) == []


def test_suspension_moves_it_by_what_such_waits_took() -> None:
    waited = (replace(CHUXIONG_METRO[0], suspended=True), 30.0)
    life = Life(history(CHUXIONG_METRO, BEIJING_METRO, waited))
    life.say(5, CHUXIONG, p.Accepted())
    (said,) = life.say(10, CHUXIONG, p.Suspended(reason="customer_unavailable"))
    assert "suspended" in said.basis
    assert said.expected_at - START > 20 * HOUR


def test_estimate_of_the_network_is_left_alone_until_it_has_passed() -> None:
    life = Life(BOTH)
    estimate = START + 50 * MINUTE
    assert life.say(5, CHUXIONG, p.Accepted(expected_restoration_at=estimate)) == []
    assert life.look(49) == []
    (late,) = life.look(50)
    assert (late.overdue_since, late.expected_at > estimate) == (estimate, True)


def test_repair_that_did_not_hold_begins_anew() -> None:
    life = Life(BOTH)
    life.say(5, CHUXIONG, p.Accepted())
    life.say(60, CHUXIONG, p.Restored(cause="fibre"))
    life.ticket = model.evolve(life.ticket, f.TicketReopened("down again"), START + 10 * HOUR)
    said = life._record(dispatcher.dispatch(life.ticket, START + 10 * HOUR, ground=GROUND), START + 10 * HOUR)
    assert 10 * HOUR < said[0].expected_at - START < 16 * HOUR


def test_what_outlasts_everything_on_record_is_expected_to_last_as_long_again() -> None:
    life = Life(BOTH)
    (said,) = life.look(40 * 24 * 60)
    assert (said.basis, said.samples) == ("elapsed", 0)
    assert said.expected_at - START == timedelta(days=80)


def test_each_look_in_time_says_it_about_once_more_until_it_is_over() -> None:
    """Half of all tickets outlast what was said, a quarter what was said then: one more a ticket, on average."""
    known, rng, said = history(CHUXIONG_METRO, BEIJING_METRO, count=2_000), Random(5), 0
    for _ in range(200):
        life, ends = Life(known), round(rng.choice((2.0, 6.0)) * 60 * rng.lognormvariate(0, 0.5))
        for minute in range(1, ends):
            said += len(life.look(minute))
    assert 0.7 < said / 200 < 1.6
