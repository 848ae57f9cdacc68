"""The e-mail channel: a notice as a mail to the subscriber's address, by way of the operator's mail server."""

from dataclasses import dataclass

from services.notifier.channels.email.message import mail
from services.notifier.channels.email.transport import MailServer, Transport
from services.notifier.channels.pacing import Pace
from services.notifier.channels.port import Context, Notice
from services.notifier.channels.reading import told_of
from services.notifier.model.outcome import Attempt
from services.notifier.model.subscription import Subscription
from services.notifier.wording.telling import Telling
from shared.contracts import mailbox
from shared.ids import EventId
from shared.settings import MAIL_PORTS, Settings, mail_sender


@dataclass(frozen=True, slots=True)
class Message:
    """`id` is the last event's: what is told together once more, with a newer event, is another mail."""

    id: EventId
    telling: Telling


class EmailChannel:
    """Of a center whose settings name a mail server."""

    reads_history = True

    def __init__(self, context: Context) -> None:
        self.timeout = context.settings.mail_timeout
        self._clock = context.clock
        self._names, self._links = context.names, context.links
        self._pace = Pace(context.settings.mail_per_hour, context.clock)
        self._sender = _sender(context.settings)
        self._transport = Transport(_server(context.settings, sender=self._sender[1]), timeout=self.timeout)

    def objection(self, target: str) -> str | None:
        return mailbox.objection(target)

    def new_secret(self) -> None:
        return None

    def render(self, notice: Notice) -> Message:
        return Message(notice.events[-1].id, told_of(notice, names=self._names, links=self._links))

    async def deliver(self, subscription: Subscription, message: Message) -> Attempt:
        to, now = subscription.target, self._clock.now()
        if (held := self._pace.hold(to.lower())) is not None:
            return held
        made = mail(message.telling, sender=self._sender, recipient=to, id=message.id, now=now)
        return await self._transport.send(self._sender[1], to, made)

    async def close(self) -> None:
        await self._transport.close()


def _sender(given: Settings) -> tuple[str, str]:
    found = mail_sender(given.mail_from)
    assert found is not None  # the settings' own promise
    return found


def _server(given: Settings, *, sender: str) -> MailServer:
    assert given.mail_host is not None
    return MailServer(
        host=given.mail_host, port=given.mail_port or MAIL_PORTS[given.mail_security], security=given.mail_security,
        name=sender.rpartition("@")[2], user=given.mail_user, password_file=given.mail_password_file,
        ca_file=given.mail_ca_file,
    )  # fmt: skip
