"""A fault from its report to its end as the customer's engineer reads it: in a mailbox of a real mail server."""

from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from typing import Any

import pytest

from shared.testing.clock import ManualClock
from shared.testing.mail_server import DOMAIN, MailServer
from shared.testing.receiver import Receiver
from shared.testing.sms_gateway import SmsGateway
from tests.cases import MINUTE
from tests.centers import Embedded, house
from tests.notifying import LOOPBACK
from tests.people import done
from tests.registry import BEIJING, CHUXIONG, FAR
from tests.waiting import until

MILESTONES = ["ticket.reported", "order.accepted", "ticket.restored", "ticket.closed"]


@pytest.fixture(scope="module")
def mail_server() -> Iterator[MailServer]:
    with MailServer("noc") as server:
        yield server


async def test_customer_reads_every_step_in_one_thread_and_on_the_telephone(
    embedded_way: Embedded, clock: ManualClock, mail_server: MailServer
) -> None:
    async with SmsGateway() as gateway:
        set_up(embedded_way, mail_server, sms_gateway=gateway.url)
        async with house(embedded_way, clock) as center:
            for channel, target in (("email", f"noc@{DOMAIN}"), ("sms", "+8613800138000")):
                wish = {"channel": channel, "target": target, "events": MILESTONES}
                done(await center.customer.post("/v1/subscriptions", wish))
            ticket = await center.accepted(FAR, CHUXIONG, BEIJING)
            await center.network(CHUXIONG).restore(ticket, cause="fibre", remedy="spliced")
            await center.customer.confirm(ticket)
            await until(lambda: len(mail_server.mails) == len(gateway.sent) == 5)
    assert {first_line(mail) for mail in mail_server.mails} == {
        f"已受理故障申告，电路 {FAR} 全阻",
        "楚雄本地网已接单",
        "北京本地网已接单",
        "业务已于 11-21 16:00 恢复，请确认",
        "障碍单已关闭",
    }  # fmt: skip  that they leave in order is `test_every_channel`'s: the mail server stores with several hands
    assert len(heads(mail_server.mails, "Subject")) == len(heads(mail_server.mails, "References")) == 1
    assert len(heads(mail_server.mails, "Message-ID")) == 5
    assert all(sms.text.startswith(ticket) for sms in gateway.sent)


async def test_word_that_nothing_changed_comes_at_the_contracts_interval_whatever_was_left_out(
    embedded_way: Embedded, clock: ManualClock, mail_server: MailServer
) -> None:
    set_up(embedded_way, mail_server)
    async with Receiver() as receiver, house(embedded_way, clock) as center:
        urgent = {"url": receiver.url, "changes": "urgent"}
        hook = done(await center.customer.post("/v1/subscriptions", urgent))
        ticket = await center.accepted(FAR, CHUXIONG, BEIJING, impact="degraded")
        clock.advance(30 * MINUTE)
        await until(lambda: "ticket.unchanged" in [heard.event["type"] for heard in receiver.hooks])
        mail = {"channel": "email", "target": f"noc@{DOMAIN}", "changes": "milestones"}
        done(await center.customer.post("/v1/subscriptions", mail))
        await center.customer.send("DELETE", f"/v1/subscriptions/{hook['id']}")
        clock.advance(30 * MINUTE)
        await until(lambda: any(ticket in mail["Subject"] for mail in mail_server.mails))
    (only,) = (mail for mail in mail_server.mails if ticket in mail["Subject"])
    assert first_line(only) == "暂无新进展，下次反馈不晚于 11-21 17:30"


def set_up(way: Embedded, mail_server: MailServer, **given: Any) -> None:
    way.settings = way.settings.model_copy(
        update={
            "mail_host": "localhost", "mail_port": mail_server.starttls, "mail_from": mail_server.user,
            "mail_user": mail_server.user, "mail_password_file": mail_server.password_file(),
            "mail_ca_file": mail_server.ca_file, "webhook_http": True, "webhook_networks": LOOPBACK, **given,
        }
    )  # fmt: skip


def first_line(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).splitlines()[0]


def heads(mails: Sequence[EmailMessage], name: str) -> set[str]:
    return {mail[name] for mail in mails}
