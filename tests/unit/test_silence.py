"""Which networks are silent: by what their tiers allow, by which door they have, and by their last sign of life."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

import pytest

from services.dispatcher.noc.rules import DEFAULT, read_rules
from services.dispatcher.noc.silence import Door, Reason, Silent, Waiting, silent
from services.dispatcher.signs import Sign, Signs
from shared.ids import NetworkCode
from shared.testing.clock import START, ManualClock
from shared.tickets.policy_file import read_policy
from tests.architecture.sources import ROOT
from tests.cases import BEIJING, CHUXIONG, MINUTE

POLICY = read_policy()
HOUR = timedelta(hours=1)


def waiting(tier: str = "diamond", *, state: Literal["issued", "accepted"] = "issued", at: datetime = START) -> Waiting:
    return Waiting(BEIJING, tier, state, 2, at, at + 2 * HOUR)


def look(*orders: Waiting, after: timedelta, sign: Sign | None = None, door: Door | None = None) -> Silent | None:
    return silent(orders, sign or Sign(), door=door, now=START + after, policy=POLICY, after=HOUR)


def reasons(found: Silent | None) -> dict[Reason, datetime]:
    return dict(found.reasons) if found else {}


@pytest.mark.parametrize(("tier", "minutes"), [("diamond", 15), ("crystal", 30)])
def test_order_nobody_accepts_in_its_tiers_time_makes_a_network_silent(tier: str, minutes: int) -> None:
    assert look(waiting(tier), after=minutes * MINUTE) is None
    found = look(waiting(tier), after=(minutes + 1) * MINUTE)
    assert reasons(found) == {"unaccepted": START + minutes * MINUTE}


def test_network_that_only_looks_is_silent_all_the_same_while_its_orders_are_not_accepted() -> None:
    found = look(waiting(), after=40 * MINUTE, sign=Sign(looked_at=START + 40 * MINUTE), door="http")
    assert reasons(found) == {"unaccepted": START + 15 * MINUTE}


def test_http_network_that_looks_at_its_accepted_orders_is_not_silent() -> None:
    at_work = waiting(state="accepted")
    assert look(at_work, after=3 * HOUR, sign=Sign(looked_at=START + 2.5 * HOUR), door="http") is None
    found = look(at_work, after=3 * HOUR, sign=Sign(looked_at=START + HOUR), door="http")
    assert reasons(found) == {"no_look": START + HOUR}


def test_kafka_network_that_says_nothing_about_live_orders_is_silent_though_somebody_looks() -> None:
    sign = Sign(looked_at=START + 3 * HOUR, spoke_at=START + HOUR)
    found = look(waiting(state="accepted"), after=3 * HOUR, sign=sign, door="kafka")
    assert reasons(found) == {"no_progress": START + HOUR}


def test_silence_is_counted_from_the_order_not_from_a_sign_long_before_it() -> None:
    at_work = waiting(state="accepted", at=START + 5 * HOUR)
    assert look(at_work, after=5.5 * HOUR, sign=Sign(spoke_at=START)) is None


def test_silence_says_since_when_and_what_waits() -> None:
    found = look(waiting("crystal"), waiting(state="accepted"), after=2 * HOUR)
    assert found is not None
    assert (found.since, found.unaccepted, found.live, found.last_sign) == (START, 2, 4, None)
    assert found.next_breach == START + 2 * HOUR


def test_rules_to_copy_are_the_default() -> None:
    assert (ROOT / "deploy/config/early-warning.toml").read_text() == DEFAULT.read_text()
    assert read_rules().repeats.circuit.faults == 3


def written(signs: Signs) -> Mapping[NetworkCode, Sign]:
    due = signs.due()
    signs.written(due)
    return due


def test_sign_is_written_at_once_and_then_once_a_minute(clock: ManualClock) -> None:
    woken: list[str] = []
    signs = Signs(clock, lambda: woken.append("woken"))
    signs.looked(BEIJING)
    assert written(signs) == {BEIJING: Sign(START, None)}
    clock.advance(MINUTE / 2)
    signs.looked(BEIJING)
    signs.spoke(BEIJING)
    signs.spoke(CHUXIONG)
    assert written(signs) == {CHUXIONG: Sign(None, START + MINUTE / 2)}
    clock.advance(MINUTE / 2)
    assert written(signs) == {BEIJING: Sign(START + MINUTE / 2, START + MINUTE / 2)}
    assert (woken, written(signs)) == (["woken", "woken"], {})


def test_sign_that_could_not_be_written_waits_for_the_next_time(clock: ManualClock) -> None:
    signs = Signs(clock, lambda: None)
    signs.spoke(BEIJING)
    assert signs.due() == signs.due() == {BEIJING: Sign(None, START)}


def test_sign_that_comes_while_another_is_written_is_not_lost(clock: ManualClock) -> None:
    signs = Signs(clock, lambda: None)
    signs.spoke(BEIJING)
    due = signs.due()
    signs.looked(BEIJING)
    signs.written(due)
    clock.advance(MINUTE)
    assert signs.due() == {BEIJING: Sign(START, START)}


def test_sign_that_is_written_late_does_not_put_off_the_next(clock: ManualClock) -> None:
    signs = Signs(clock, lambda: None)
    signs.spoke(BEIJING)
    clock.advance(61 * MINUTE)
    assert written(signs) == {BEIJING: Sign(None, START)}
    signs.looked(BEIJING)
    assert written(signs) == {BEIJING: Sign(START + 61 * MINUTE, None)}
