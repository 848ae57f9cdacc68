"""What the center itself wrote is told in the reader's language; what a person wrote stays as it is."""

from collections.abc import Callable, Iterator

import pytest

from services.commands.words import line
from services.dispatcher.escalation import commands
from services.dispatcher.routing import Unroutable, route
from shared.contracts import facts as f
from shared.contracts import progress as p
from shared.contracts.reasons import WRITES, in_chinese
from shared.contracts.vocabulary import Lang
from shared.statement.page import page
from shared.testing.clock import START
from tests.cases import MINUTE, issued, reported
from tests.registry import BEIJING, CHUXIONG, CIRCUITS, DALI, KUNMING, NEAR
from tests.statements import log_of, statement
from tests.unit.test_dispatcher_model import KNOWN, Life
from tests.unit.test_escalation import RULES, ticked, ticket_of

LANGUAGES: tuple[Lang, ...] = ("zh", "en")


def of_routing() -> Iterator[str]:
    for circuit in (None, *CIRCUITS):
        for segment in (None, *(s.id for s in (circuit.segments if circuit else ()))):
            found = route(circuit, segment, known=KNOWN.__contains__)
            yield from [found.reason] if isinstance(found, Unroutable) else [task.reason for task in found]


def of_orders() -> Iterator[str]:
    declined, handed_over, near, found, left, named = Life(), Life(), Life(NEAR), Life(), Life(), Life()
    for life in (declined, handed_over, near, found, left, named):
        life.dispatch()
    declined.say(CHUXIONG, p.Accepted())
    declined.say(CHUXIONG, p.Suspended(reason="spares"))
    handed_over.say(BEIJING, p.Accepted())
    handed_over.say(BEIJING, p.AssistanceAsked(of=DALI))
    handed_over.say(CHUXIONG, p.HandedOver(to=KUNMING, reason="the guard: has no key"))
    for network in (CHUXIONG, BEIJING):
        declined.say(network, p.Declined(reason="no_resources"))
    found.say(CHUXIONG, p.Accepted())
    found.say(CHUXIONG, p.Progressed(stage="diagnosed", segment="backbone-1", note="dark; from 40 km on"))
    found.say(KUNMING, p.Declined(reason="no_resources"))
    left.say(CHUXIONG, p.Accepted())
    left.say(BEIJING, p.Declined(reason="not_our_segment"))
    left.say(CHUXIONG, p.Progressed(stage="diagnosed", segment="z-access"))
    named.report_again("backbone-1")
    named.dispatch(named=True)
    handed_over.say(BEIJING, p.AssistanceAsked(of=KUNMING, note="test towards us"))
    for fact in (*declined.facts, *handed_over.facts, *near.facts, *found.facts, *left.facts, *named.facts):
        if (name := WRITES.get(f.NAMES[type(fact)])) and (text := getattr(fact, name)):
            yield text


def of_escalations() -> Iterator[str]:
    _, told = ticked(ticket_of("gold", (0, issued())), *range(0, 700, 10))
    ticket = ticket_of("gold", (0, issued()), (5, f.TicketChased()))
    chased = commands.chase(ticket, START + 30 * MINUTE, text=None, rules=RULES)
    yield from (fact.reason for fact in (*told, *chased) if isinstance(fact, f.TicketEscalated))


@pytest.mark.parametrize("reasons", [of_routing, of_orders, of_escalations])
def test_every_reason_that_the_center_writes_is_told_in_chinese(reasons: Callable[[], Iterator[str]]) -> None:
    found = list(reasons())
    assert found
    assert [text for text in found if in_chinese(text) == text] == []


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("faulty segment not known: both ends at once", "故障段未明，两端同时派单"),
        ("fault known in tail-z (Dock 4, contact Li +81)", "故障段已知：tail-z（Dock 4，联系人 Li +81）"),
        ("handed over by 0878: the guard: has no key", "由 0878 转派：the guard: has no key"),
        ("no network is left at work; 010: no_resources", "已无本地网在修；010：无人可派"),
        ("the time to restore is over; the time to report is over", "销障超时；障碍报告超时"),
        ("several circuits at once in local network 010: backbone, metro", "本地网 010 多条电路同时故障（骨干、城域）"),
        ("reported again, and worse: down", "再次申告，影响加重：全阻"),
        ("the restoration did not hold", "恢复后故障再现"),
    ],
)
def test_reason_of_the_centers_own_is_told_in_chinese(written: str, told: str) -> None:
    assert in_chinese(written) == told


def test_english_reader_gets_the_reason_as_it_was_written() -> None:
    said = {"type": "order.issued", "data": {"network": "010", "reason": "both ends are in this network"}}
    assert line(said, "en") == "local network 010 is ordered: both ends are in this network"
    assert line(said, "zh") == "派单：本地网 010（两端均在本网）"


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        ("order.issued", {"network": "010", "reason": "the bridge is closed; go round"}),
        ("order.handed_over", {"network": "010", "to": "021", "reason": "both ends are in this network"}),
        ("ticket.escalated", {"level": "province", "cause": "by_hand", "reason": "the time to restore is over"}),
        ("ticket.noted", {"text": "routed by hand"}),
    ],
)
def test_reason_that_a_person_wrote_stays_as_it_is(type_: str, data: dict[str, str]) -> None:
    assert data.get("reason", data.get("text")) in line({"type": type_, "data": data}, "zh")


def test_statements_page_tells_the_centers_reasons_in_its_readers_language() -> None:
    over, by_a_person = "the time to restore is over", "the bank's CIO called"
    log = log_of(
        [(START, "system:clock", f.TicketEscalated("network", "breach", over, ("duty_manager",))),
         (START, "operator:noc", f.TicketEscalated("province", "by_hand", by_a_person, ("province",)))],
        reported(),
    )  # fmt: skip
    cells = {lang: page(statement(log), lang).partition("</main>")[0] for lang in LANGUAGES}
    assert (">销障超时</td>" in cells["zh"], f">{over}</td>" in cells["en"]) == (True, True)
    assert f">{over}</td>" not in cells["zh"]
    assert all("the bank&#x27;s CIO called</td>" in shown for shown in cells.values())
