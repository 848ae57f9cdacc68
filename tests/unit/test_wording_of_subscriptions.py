"""What is told of a subscription is said in both languages, whatever the reason, and nobody's text directs it."""

from typing import get_args

import pytest

from services.notifier.model.outcome import GiveUpReason, RefusedReason, RetryReason
from services.notifier.model.standing import NOTICES
from services.notifier.store.notices import event
from services.notifier.store.receipts import UNDELIVERED
from services.notifier.wording.subscriptions import REASONS, SAYINGS, telling_of_subscription
from shared.testing.clock import START
from tests.cases import ACCOUNT

REASON_NAMES = {*get_args(RetryReason), *get_args(RefusedReason), *get_args(GiveUpReason)}
DATA = b"""{"subscription": "sub_1", "receiver": "noc.example.com", "reason": "timeout", "event": "VT1-2",
    "failing_since": "2026-11-21T08:00:00.000Z"}"""


def test_every_notice_and_every_reason_has_words() -> None:
    assert set(SAYINGS) == NOTICES
    assert set(REASONS) == {*REASON_NAMES, UNDELIVERED}


@pytest.mark.parametrize("type", sorted(NOTICES))
def test_notice_is_told_in_both_languages(type: str) -> None:
    zh, en = (telling_of_subscription([event(ACCOUNT, 1, START, type, DATA)], lang) for lang in ("zh", "en"))  # type: ignore[arg-type]
    assert zh.news[0].happened.isascii() is False
    assert en.news[0].happened.isascii() is True
    assert zh.ticket == en.ticket == "sub_1"
    assert "{" not in zh.text() + en.text()


def test_receiver_s_name_is_text_that_nobody_can_tap() -> None:
    told = telling_of_subscription([event(ACCOUNT, 1, START, "subscription.failing", DATA)], "en")
    assert told.news[0].happened == "Notifications do not get through to noc. example. com: it does not answer in time"
    assert told.rows[0] == ("Since", "11-21 16:00")
