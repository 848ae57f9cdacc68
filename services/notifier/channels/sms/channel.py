"""The SMS channel: a notice in a few words to the subscriber's number, by way of the operator's gateway."""

from dataclasses import dataclass

from services.notifier.channels.pacing import Pace
from services.notifier.channels.port import Context, Notice
from services.notifier.channels.reading import told_of
from services.notifier.channels.sms import number
from services.notifier.channels.sms.gateway import Gateway, GatewayAccess
from services.notifier.channels.sms.text import short
from services.notifier.model.outcome import Attempt
from services.notifier.model.subscription import Subscription
from shared.ids import EventId


@dataclass(frozen=True, slots=True)
class Message:
    """`id` is the last event's: what is told together once more, with a newer event, is another message."""

    id: EventId
    text: str


class SmsChannel:
    """Of a center whose settings name a gateway."""

    reads_history = True

    def __init__(self, context: Context) -> None:
        given = context.settings
        assert given.sms_gateway is not None
        self.timeout = given.webhook_timeout
        self._names, self._links = context.names, context.links
        self._countries = given.sms_countries
        self._pace = Pace(given.sms_per_hour, context.clock)
        self._segments, self._signature = given.sms_segments, given.sms_signature
        access = GatewayAccess(url=given.sms_gateway, token_file=given.sms_token_file, ca_file=given.sms_ca_file)
        self._gateway = Gateway(access, context.clock, timeout=self.timeout)

    def objection(self, target: str) -> str | None:
        return number.objection(target, self._countries)

    def new_secret(self) -> None:
        return None

    def render(self, notice: Notice) -> Message:
        told = told_of(notice, names=self._names, links=self._links)
        text = short(told, most_segments=self._segments, signature=self._signature)
        return Message(notice.events[-1].id, text)

    async def deliver(self, subscription: Subscription, message: Message) -> Attempt:
        if (held := self._pace.hold(subscription.target)) is not None:
            return held
        return await self._gateway.send(f"{message.id}.{subscription.id}", to=subscription.target, text=message.text)

    async def close(self) -> None:
        await self._gateway.close()
