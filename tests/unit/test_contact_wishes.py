"""What a contact of the registry would subscribe to."""

import pytest

from services.notifier.model.contact_wishes import wishes_of
from services.notifier.model.preferences import QuietHours
from shared.registry.model import ContactPoint

ZHANG = ContactPoint("张三", phone="+86 138-0013 8000", email="zhang@customer.example", language="zh-CN", window="24x7")


def test_contact_is_told_by_each_channel_it_has() -> None:
    mail, sms = wishes_of([ZHANG], ["email", "sms"], "milestones")
    assert (mail.channel, mail.target, mail.preferences.changes) == ("email", "zhang@customer.example", "milestones")
    assert (sms.channel, sms.target) == ("sms", "+8613800138000")


def test_contact_without_an_address_is_named() -> None:
    assert [w.target for w in wishes_of([ContactPoint("李四")], ["email", "sms"], "all")] == [None, None]


def test_target_that_several_contacts_share_is_told_once() -> None:
    desk = ContactPoint("desk", email="zhang@customer.example")
    assert [w.contact for w in wishes_of([ZHANG, desk], ["email"], "all")] == ["张三"]


@pytest.mark.parametrize(
    ("language", "expected"), [(None, "zh"), ("zh", "zh"), ("zh-TW", "zh"), ("en", "en"), ("fr", "en")]
)
def test_language_is_the_contacts(language: str | None, expected: str) -> None:
    (wish,) = wishes_of([ContactPoint("x", email="a@b.example", language=language)], ["email"], "all")
    assert wish.preferences.language == expected


@pytest.mark.parametrize(
    ("window", "quiet"),
    [
        (None, None), ("24x7", None), ("whenever", None), ("08:30-08:30", None), ("25:00-26:00", None),
        ("Mon-Fri 08:30-17:30", QuietHours("Asia/Shanghai", "17:30", "08:30")),
        ("Sat 09:00-12:00", QuietHours("Asia/Shanghai", "12:00", "09:00")),
        ("20:00-06:00", QuietHours("Asia/Shanghai", "06:00", "20:00")),
    ],
)  # fmt: skip
def test_hours_outside_the_window_are_quiet(window: str | None, quiet: QuietHours | None) -> None:
    (wish,) = wishes_of([ContactPoint("x", email="a@b.example", window=window)], ["email"], "all")
    assert wish.preferences.quiet == quiet
