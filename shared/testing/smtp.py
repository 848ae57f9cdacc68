"""A mail server that a test scripts: keeps what it is sent, and refuses, hangs or hangs up wherever it is told to.

What a real one does is for the real one (`mail_server`); this does what no real one does on demand.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Literal, Self

Moment = Literal["connect", "EHLO", "STARTTLS", "MAIL", "RCPT", "DATA", "text", "RSET", "QUIT"]
Behaviour = str
"""A whole reply like `451 4.7.1 later`; or `hang`; or `cut`, the connection; or `cut after` what was said was taken."""
REPLIES: Mapping[str, str] = {
    "connect": "220 vrc.test ESMTP", "EHLO": "250-vrc.test\r\n250 8BITMIME", "STARTTLS": "220 go on", "MAIL": "250 ok",
    "RCPT": "250 ok", "DATA": "354 go on", "text": "250 2.0.0 taken", "RSET": "250 ok", "QUIT": "221 bye",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mail:
    sender: str
    recipient: str
    data: bytes

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.data, policy=default)


class SmtpServer:
    """On a free loopback port within the block. `script`: at each moment what to do, time after time; then as usual.

    `tls` is what it offers after STARTTLS; without it there is none.
    """

    def __init__(self, script: Mapping[Moment, list[Behaviour]] | None = None, *, tls: ssl.SSLContext | None = None):
        self.otherwise: Behaviour = REPLIES["text"]
        """What becomes of a mail when the script is used up."""
        self.script = {moment: deque(behaviours) for moment, behaviours in (script or {}).items()}
        self.mails: list[Mail] = []
        self.offered: list[Mail] = []
        self.let_go = asyncio.Event()
        """What hangs hangs until this is set, and then goes on as usual."""
        self.said: list[str] = []
        self.connections = 0
        self.under_way = 0
        self.most_under_way = 0
        self.port = 0
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def until(self, condition: Callable[[], bool] | int, *, timeout_s: float = 10.0) -> None:
        """Until it holds, or so many mails were offered. Raises TimeoutError."""
        holds = (lambda: len(self.offered) >= condition) if isinstance(condition, int) else condition
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(holds)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self._converse(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError, asyncio.CancelledError):
            pass
        finally:
            self.under_way -= 1
            self._tasks.discard(task)
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._reply("connect", writer)
        sender = recipient = ""
        while line := (await reader.readuntil(b"\r\n")).decode().strip():
            self.said.append(line)
            verb = line.split(" ")[0].upper()
            if verb not in REPLIES:
                await self._write(writer, "502 what?")
                continue
            sender = line if verb == "MAIL" else sender
            recipient = line if verb == "RCPT" else recipient
            went_well = await self._reply(verb, writer)
            if verb == "QUIT":
                return
            if verb == "STARTTLS" and self._tls:
                await writer.start_tls(self._tls)
            if verb == "DATA" and went_well:
                text = (await reader.readuntil(b"\r\n.\r\n"))[:-3].replace(b"\r\n..", b"\r\n.")
                await self._take(Mail(_mailbox(sender), _mailbox(recipient), text), writer)

    async def _take(self, mail: Mail, writer: asyncio.StreamWriter) -> None:
        behaviour = next(iter(self.script.get("text", ())), self.otherwise)
        self.offered.append(mail)
        if behaviour.startswith("250") or behaviour == "cut after":
            self.mails.append(mail)
        async with self._changed:
            self._changed.notify_all()
        await self._reply("text", writer)

    async def _reply(self, moment: str, writer: asyncio.StreamWriter) -> bool:
        """Whether it is a yes."""
        scripted = self.script.get(moment)  # type: ignore[call-overload]
        behaviour = scripted.popleft() if scripted else self.otherwise if moment == "text" else REPLIES[moment]
        if behaviour == "hang":
            await self.let_go.wait()
            behaviour = REPLIES[moment]
        if behaviour.startswith("cut"):
            writer.transport.abort()
            raise ConnectionResetError
        if moment == "EHLO" and self._tls and not writer.get_extra_info("sslcontext"):
            behaviour = behaviour.replace("250 ", "250-STARTTLS\r\n250 ")
        await self._write(writer, behaviour)
        return behaviour[:1] in "23"

    async def _write(self, writer: asyncio.StreamWriter, reply: str) -> None:
        writer.write(f"{reply}\r\n".encode())
        await writer.drain()


def _mailbox(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]
