"""Any interleaving of facts, ticks and steps of the clock tells each step of a deadline once, and loses no breach."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatcher.deadlines.steps import what_is_due
from services.dispatcher.escalation.rules import read_escalation
from shared.clock import to_ms
from shared.contracts import facts as f
from shared.contracts.event import public
from shared.testing.clock import START
from shared.tickets.deadlines import due
from shared.tickets.hours import counted
from shared.tickets.log import Entry, append, open_ticket
from shared.tickets.model import CLOCK
from shared.tickets.policy_file import read_policy
from tests.cases import ACTOR, BEIJING, CHUXIONG, MINUTE, TICKET, accepted, issued, reported
from tests.independent_clock import compute, ms
from tests.unit.test_sla_clock import BY_NETWORK, STEPS

TERMS = replace(read_policy().terms_of("diamond", "down"), restore_ms=40 * 60_000)
RULES = read_escalation()
TICK = None
THERE = issued(network=CHUXIONG).order
OF_ORDERS = st.sampled_from([
    issued(), issued(network=CHUXIONG), accepted(), accepted(network=CHUXIONG), f.NoteAdded("x"),
    f.OrderDeclined(issued().order, BEIJING, "other"), f.OrderStoodDown(THERE, CHUXIONG, "rerouted"),
    f.OrderHandedOver(THERE, CHUXIONG, BEIJING, "not ours"),
])  # fmt: skip
PAUSES = st.sampled_from([0, 0, 1, 7, 13, 31, 60, -60])  # minutes; the clock may step back
MOVES = st.lists(st.tuples(PAUSES, st.just(TICK) | STEPS | OF_ORDERS), max_size=25)
ORDER_MOVES = st.lists(st.tuples(PAUSES, st.just(TICK) | OF_ORDERS), max_size=25)


class Story:
    """One ticket's log as it grows; `now` is what the clock says."""

    def __init__(self) -> None:
        self.now = START
        self.ticket, first = open_ticket(TICKET, reported(terms=TERMS, tier="diamond"), at=START, actor=ACTOR)
        self.entries: list[Entry] = [first]

    def record(self, facts: Sequence[f.Fact], actor: str) -> None:
        self.ticket, more = append(self.ticket, self.entries[-1].hash, facts, at=self.now, actor=actor)
        self.entries += more

    def tick(self) -> Sequence[f.Fact]:
        facts = what_is_due(self.ticket, self.now, RULES)
        self.record(facts, CLOCK)
        return facts

    def end(self) -> None:
        """The clock is right in the end, and somebody looks."""
        self.now = max(self.now, self.ticket.updated_at)
        self.tick()


def played(moves: Sequence[tuple[int, f.Fact | None]]) -> Story:
    story = Story()
    for minutes, fact in moves:
        story.now += minutes * MINUTE
        if fact is None:
            story.tick()
        else:
            story.record([fact], BY_NETWORK)
    story.end()
    return story


def terms(story: Story) -> f.Terms:
    """What is promised in the end."""
    assert story.ticket.terms is not None
    return story.ticket.terms


def told(story: Story) -> Counter[tuple[str, int]]:
    """Deadline and percent of each warning and miss that time brought about."""
    found: Counter[tuple[str, int]] = Counter()
    for entry in story.entries:
        fact = entry.fact()
        if entry.actor == CLOCK and isinstance(fact, f.DeadlineWarned | f.DeadlineMissed):
            found[fact.deadline, getattr(fact, "percent", 100)] += 1
    return found


@given(MOVES)
@settings(max_examples=300)
def test_each_step_is_told_at_most_once_and_afterwards_nothing_is_due(moves: list[tuple[int, f.Fact | None]]) -> None:
    story = played(moves)
    assert set(told(story).values()) <= {1}
    assert due(story.ticket, to_ms(story.now)) == []
    assert not story.tick()


@given(MOVES)
@settings(max_examples=300)
def test_whatever_a_second_clock_calls_a_breach_is_in_the_log_as_one(moves: list[tuple[int, f.Fact | None]]) -> None:
    story = played(moves)
    took, promised = compute(shown(story), to_ms(story.now))["time_to_repair"], terms(story)
    if took is not None and promised.hours is None and took > promised.restore_ms:
        assert told(story)[f"restore/{promised.restore_ms}", 100] == 1


@given(ORDER_MOVES)
@settings(max_examples=300)
def test_every_order_that_was_not_accepted_in_time_is_in_the_log(moves: list[tuple[int, f.Fact | None]]) -> None:
    """But one that was issued anew, which is another order to accept, before anybody looked."""
    story = played(moves)
    entries, found = shown(story), told(story)
    for number, entry in enumerate(entries):
        if entry["type"] == "order.issued":
            began, order = ms(entry["at"]), entry["data"]["order"]
            rest = [e for e in entries[number + 1 :] if e["type"] in ANSWERS and e["data"].get("order") == order]
            ended = ms(rest[0]["at"]) if rest else to_ms(story.now)
            if ended > began + TERMS.accept_ms and "order.issued" not in {e["type"] for e in rest}:
                assert found[f"accept/{order}/{began}", 100] == 1


ANSWERS = ("order.issued", "order.accepted", "order.declined", "order.handed_over", "order.stood_down")


@given(MOVES, st.integers(1, 5))
@settings(max_examples=200)
def test_customer_hears_something_within_every_update_interval(
    moves: list[tuple[int, f.Fact | None]], every: int
) -> None:
    """Where somebody looks every so many minutes, and while it waits for its service."""
    story = played([(abs(minutes), fact) for minutes, fact in moves])
    for _ in range(100):
        story.now += every * MINUTE
        story.tick()
        waits = not story.ticket.is_over and story.ticket.status != "resolved"
        silence = counted(story.ticket.told_at, to_ms(story.now), terms(story).hours)
        assert not waits or silence < terms(story).update_ms


def shown(story: Story) -> list[dict[str, Any]]:
    """As the API shows a log."""
    return [orjson.loads(orjson.dumps(public(entry))) for entry in story.entries]
