"""A mail as it is sent: threads, both parts, both languages, and no header, line, tag or link but ours."""

import re
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from typing import Any

import pytest

from services.notifier.channels.email.message import mail
from shared import answer_link
from shared.clock import to_ms
from shared.contracts import facts as f
from shared.contracts.mailbox import objection
from shared.contracts.satisfaction import FollowUpAsked
from shared.contracts.vocabulary import Lang
from shared.ids import EventId
from shared.testing.clock import START
from tests.cases import BEIJING, ORDER, TICKET, accepted, issued, log_of
from tests.unit.test_wording import HOSTILE, LINKS, tell

SENDER = ("大客户响应中心", "vip@operator.example")


def sent(*facts: f.Fact, lang: Lang = "zh", last: int = 1) -> EmailMessage:
    log = log_of(*facts)[1]
    telling = tell(log, lang, last=last)
    made = mail(telling, sender=SENDER, recipient="noc@customer.example", id=log[-1].id, now=START)
    return message_from_bytes(made, policy=default)  # type: ignore[return-value]


def text(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_mail_of_a_ticket_is_in_its_thread_under_the_events_name() -> None:
    first, second = sent(issued()), sent(issued(), accepted())
    assert second["Message-ID"] == f"<{TICKET}-3@operator.example>"
    assert first["References"] == second["References"] == second["In-Reply-To"] == f"<{TICKET}@operator.example>"
    assert first["Subject"] == second["Subject"]


def test_mail_says_the_same_in_plain_text_and_in_html() -> None:
    plain, page = text(sent(issued(), accepted()), "plain"), text(sent(issued(), accepted()), "html")
    for said in ("北京本地网已接单", TICKET, "010-0878-IPV-0001", "修障中", "均为北京时间"):
        assert said in plain
        assert said in page


@pytest.mark.parametrize(("lang", "language"), [("zh", "zh-CN"), ("en", "en")])
def test_mail_says_in_which_language_it_is(lang: Lang, language: str) -> None:
    made = sent(accepted(), lang=lang)
    assert made["Content-Language"] == language
    assert f'<html lang="{language}">' in text(made, "html")


def test_question_is_answered_by_a_link_of_ours_in_both_parts() -> None:
    asked = sent(FollowUpAsked(1, START))
    (url,) = re.findall(r"https://vip\.example/v1/satisfaction\?token=\S+", text(asked, "plain"))
    assert f'href="{url}"' in text(asked, "html")
    token = url.partition("token=")[2]
    assert answer_link.read(token, to_ms(START), key=bytes(32)) == TICKET
    assert answer_link.read(token, to_ms(START + timedelta(days=31)), key=bytes(32)) is None


def test_mail_says_that_it_was_made_by_a_machine_and_when() -> None:
    made = sent(accepted())
    assert made["Auto-Submitted"] == "auto-generated"
    assert made["Date"].datetime == START
    assert made["From"] == "大客户响应中心 <vip@operator.example>"


def test_mail_is_seven_bit_clean_with_short_lines() -> None:
    log = log_of(f.NoteAdded("长" * 2000))[1]
    made = mail(tell(log, "zh"), sender=SENDER, recipient="a@b.example", id=EventId("x-1"), now=START)
    assert made.isascii()
    assert max(map(len, made.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("hostile", HOSTILE)
def test_text_of_others_forges_no_header_line_tag_or_link(hostile: str) -> None:
    made = sent(issued(), f.OrderProgressed(ORDER, BEIJING, "repairing", hostile))
    plain = sent(issued(), f.OrderProgressed(ORDER, BEIJING, "repairing", "x"))
    assert made.keys() == plain.keys()
    assert tags(text(made, "html")) == tags(text(plain, "html"))
    assert len(text(made, "plain").splitlines()) == len(text(plain, "plain").splitlines())
    assert not LINKS.search(text(made, "plain"))


@pytest.mark.parametrize("hostile", ["010\r\nBcc: a@evil.example", "<b>", "https://evil.example"])
def test_circuit_that_is_called_strangely_forges_nothing(hostile: str) -> None:
    log = log_of(circuit=hostile)[1]
    made = mail(tell(log), sender=SENDER, recipient="a@b.example", id=log[-1].id, now=START)
    read: Any = message_from_bytes(made, policy=default)
    assert "Bcc" not in read
    assert "<b>" not in text(read, "html")
    assert not LINKS.search(text(read, "plain") + read["Subject"])


@pytest.mark.parametrize(
    "address",
    ["noc@customer.example", "first.last+vip@a.b-c.example", "x@xn--fiqs8s.example", "o'neill@a.example"],
)
def test_usual_addresses_are_taken(address: str) -> None:
    assert objection(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "", "noc", "@a.example", "noc@", "noc@localhost", "a b@c.example", "a@b.example\r\nRCPT TO:<x@y.example>",
        "<a@b.example>", "Noc <a@b.example>", "a@b.example,c@d.example", '"a b"@c.example', "a@[127.0.0.1]",
        "a@127.0.0.1", "a..b@c.example", ".a@c.example", "a@b..example", "a@-b.example", "张@b.example", "a@例子.cn",
        f"{'x' * 65}@b.example", f"a@{'b' * 64}.example", f"a@{'b.' * 130}example", "a@b.example SIZE=1", "a@b@c.cn",
    ],
)  # fmt: skip
def test_what_is_no_plain_mailbox_is_refused(address: str) -> None:
    assert objection(address)


def tags(page: str) -> list[str]:
    """Every tag with its attributes, in order."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append(f"{tag} {attrs}")

    Reader().feed(page)
    assert not re.search(r"href|src|url\(", " ".join(found))
    return found
