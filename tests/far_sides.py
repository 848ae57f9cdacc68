"""The other end of every channel, alike for all: what it was offered, and how it takes that."""

from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from services.notifier.channels.port import Channel, Context
from services.notifier.channels.roster import open_channels
from services.notifier.handlers.subscriptions import Wish
from services.notifier.model.preferences import Preferences
from services.notifier.model.subscription import Subscription
from services.notifier.wording.links import Links
from shared.auth.principal import Principal
from shared.settings import Settings
from shared.testing.clock import ManualClock
from shared.testing.receiver import Answer, Receiver
from shared.testing.sms_gateway import SmsGateway
from shared.testing.smtp import SmtpServer
from tests.cases import ACCOUNT
from tests.notifying import LOOPBACK, NAMES, SECRET, VAULT, Notifier

CHANNELS = ("webhook", "email", "sms")


class FarSide(Protocol):
    """`offered` are the events' ids in the order in which they came, repeats included; `read` what stood in them."""

    channel: str
    target: str

    @property
    def offered(self) -> Sequence[str]: ...

    @property
    def read(self) -> Sequence[str]: ...

    def refuse(self, *, times: int) -> None:
        """So many, for now; then it takes what comes."""

    def hang(self) -> None:
        """The next one gets no answer before `let_go`."""

    def let_go(self) -> None: ...

    def lose(self) -> None:
        """The connection ends after the next one was taken, and before anybody is told so."""

    def reject(self) -> None:
        """The next one, for good."""

    def break_down(self) -> None:
        """Whoever comes gets nowhere, until the end."""

    async def until(self, condition: int) -> None: ...


class Webhook:
    channel = "webhook"

    def __init__(self, server: Receiver) -> None:
        self._server = server

    @property
    def target(self) -> str:
        return self._server.url

    @property
    def offered(self) -> Sequence[str]:
        return self._server.ids

    @property
    def read(self) -> Sequence[str]:
        return [hook.body.decode() for hook in self._server.hooks]

    def refuse(self, *, times: int) -> None:
        self._server.script.extend([Answer(500)] * times)

    def hang(self) -> None:
        self._server.script.append("hang")

    def let_go(self) -> None:
        self._server.let_go.set()

    def lose(self) -> None:
        self._server.script.append("reset")

    def reject(self) -> None:
        """Webhooks know no such thing: what is refused now may be taken later."""
        self._server.script.extend([Answer(400)] * 20)

    def break_down(self) -> None:
        self._server.otherwise = Answer(503)

    async def until(self, condition: int) -> None:
        await self._server.until(condition)


class Sms(Webhook):
    channel, target = "sms", "+8613800138000"

    @property
    def offered(self) -> Sequence[str]:
        return [hook.headers["idempotency-key"].rsplit(".", 1)[0] for hook in self._server.hooks]

    def reject(self) -> None:
        self._server.script.append(Answer(422))


class Email:
    channel, target = "email", "noc@customer.example"

    def __init__(self, server: SmtpServer) -> None:
        self._server = server

    @property
    def offered(self) -> Sequence[str]:
        return [mail.message["Message-ID"].strip("<>").partition("@")[0] for mail in self._server.offered]

    @property
    def read(self) -> Sequence[str]:
        return [mail.message.get_body(("plain",)).get_content() for mail in self._server.offered]  # type: ignore[union-attr]

    def refuse(self, *, times: int) -> None:
        self._say(*["451 4.3.0 later"] * times)

    def hang(self) -> None:
        self._say("hang")

    def let_go(self) -> None:
        self._server.let_go.set()

    def lose(self) -> None:
        self._say("cut after")

    def reject(self) -> None:
        self._say("554 5.7.1 no")

    def break_down(self) -> None:
        self._server.script["connect"] = deque(["421 4.3.2 down"] * 1000)

    async def until(self, condition: int) -> None:
        await self._server.until(condition)

    def _say(self, *behaviours: str) -> None:
        self._server.script["text"].extend(behaviours)


@dataclass(frozen=True, slots=True)
class Ends:
    sides: Mapping[str, FarSide]
    channels: Callable[[], Mapping[str, Channel]]
    """New ones: whoever is given them closes them."""


@asynccontextmanager
async def far_sides(clock: ManualClock, **given: Any) -> AsyncIterator[Ends]:
    """One of each, and how to make the channels that lead to them; `given` are settings."""
    async with AsyncExitStack() as running:
        receiver, gateway = Receiver(), SmsGateway()
        mail = SmtpServer({"text": []})
        for server in (receiver, gateway, mail):
            await running.enter_async_context(server)
        settings = Settings(
            webhook_http=True, webhook_networks=LOOPBACK, mail_host="127.0.0.1", mail_port=mail.port,
            mail_security="none", mail_from="大客户响应中心 <vip@vrc.test>", sms_gateway=gateway.url,
            **given,
        )  # fmt: skip
        sides: dict[str, FarSide] = {side.channel: side for side in (Webhook(receiver), Email(mail), Sms(gateway))}
        yield Ends(sides, lambda: open_channels(Context(clock, settings, SECRET, VAULT, NAMES, Links(None, bytes(32)))))


async def subscribe(one: Notifier, side: FarSide, **wanted: object) -> Subscription:
    wish = Wish(side.target, side.channel, Preferences(**wanted))  # type: ignore[arg-type]
    return (await one.desk.make(Principal("account", ACCOUNT), wish)).subscription
