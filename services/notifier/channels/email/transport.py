"""Mail to the operator's server, over a few connections that are used again; one deadline for the whole of a transfer.

What the server says decides. Where the connection or the time is lost after the text was sent, nobody knows whether it
was taken: it is sent again, under the same Message-ID. Without the security that was asked for nothing is said at all.
"""

import asyncio
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import cast

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPException,
    SMTPHeloError,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)  # fmt: skip

from services.notifier.model.outcome import MOST_ANSWER_BYTES, Attempt, Delivered, Refused, Retry, RetryReason
from shared.credentials import password_in, verifying
from shared.settings import MailSecurity

CONNECTIONS = 4
IDLE_S = 20.0  # well below the five minutes after which servers hang up
MOST_MESSAGES = 100
BYE_S = 1.0
MAILBOX_FULL = "2.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """`name` is who we say we are. `ca_file` None: the system's authorities. The files are read at each connecting."""

    host: str
    port: int
    security: MailSecurity
    name: str
    user: str | None = None
    password_file: Path | None = field(default=None, repr=False)
    ca_file: Path | None = None


@dataclass(slots=True)
class _Connection:
    client: SMTP
    messages: int = 0
    expiry: asyncio.TimerHandle | None = None


class Transport:
    """Close it at the end."""

    def __init__(self, server: MailServer, *, timeout: timedelta) -> None:
        self._server = server
        self._timeout_s = timeout.total_seconds()
        self._room = asyncio.Semaphore(CONNECTIONS)
        self._idle: list[_Connection] = []

    async def send(self, sender: str, recipient: str, message: bytes) -> Attempt:
        """One transfer to one mailbox, waiting for a connection included. Raises nothing."""
        try:
            async with asyncio.timeout(self._timeout_s), self._room:
                return await self._send(sender, recipient, message)
        except TimeoutError:
            return Attempt(Retry("timeout", ours=True))
        except (SMTPException, OSError, ValueError) as error:
            return _judge(error)

    async def close(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            await self._end(connection)

    async def _send(self, sender: str, recipient: str, message: bytes) -> Attempt:
        """One that was idle may have been hung up on: nothing of this message was sent then, and a new one is made."""
        while self._idle:
            connection = self._take()
            try:
                await connection.client.rset()
            except (SMTPException, OSError):
                _hang_up(connection.client)
                continue
            return await self._transfer(connection, sender, recipient, message)
        return await self._transfer(_Connection(await self._connect()), sender, recipient, message)

    async def _transfer(self, connection: _Connection, sender: str, recipient: str, message: bytes) -> Attempt:
        client = connection.client
        try:
            await client.mail(sender)
            await client.rcpt(recipient)
            response = await client.data(message)
        except SMTPResponseException:
            await self._put(connection)
            raise
        except BaseException:
            _hang_up(client)
            raise
        await self._put(connection)
        return Attempt(Delivered(), response.code, _first_bytes(response.message))

    async def _connect(self) -> SMTP:
        """Raises SMTPException and OSError."""
        server = self._server
        tls = server.security != "none"
        context = await asyncio.to_thread(verifying, server.ca_file) if tls else None
        password = await asyncio.to_thread(password_in, server.password_file) if server.password_file else ""
        client = SMTP(
            hostname=server.host, port=server.port, local_hostname=server.name, timeout=None,
            use_tls=server.security == "tls", start_tls=server.security == "starttls", tls_context=context,
        )  # fmt: skip
        await client.connect()
        try:
            if server.user is not None:
                await client.login(server.user, password)
        except BaseException:
            _hang_up(client)
            raise
        return client

    def _take(self) -> _Connection:
        connection = self._idle.pop()
        if connection.expiry is not None:
            connection.expiry.cancel()
        return connection

    async def _put(self, connection: _Connection) -> None:
        connection.messages += 1
        if not connection.client.is_connected:
            return
        if connection.messages >= MOST_MESSAGES:
            await self._end(connection)
            return
        connection.expiry = asyncio.get_running_loop().call_later(IDLE_S, self._expire, connection)
        self._idle.append(connection)

    def _expire(self, connection: _Connection) -> None:
        self._idle.remove(connection)
        _hang_up(connection.client)

    async def _end(self, connection: _Connection) -> None:
        if connection.expiry is not None:
            connection.expiry.cancel()
        transport = connection.client.transport
        with suppress(SMTPException, OSError, TimeoutError):
            async with asyncio.timeout(BYE_S):
                await connection.client.quit()
        _hang_up(connection.client, transport)


def _hang_up(client: SMTP, transport: asyncio.BaseTransport | None = None) -> None:
    """At once: a polite end of TLS would wait for the other side."""
    transport = transport or client.transport
    client.close()
    if transport is not None:
        cast(asyncio.WriteTransport, transport).abort()


def _judge(error: Exception) -> Attempt:
    """Only what is said of the recipient or the text is the reader's; everything else is our server's or our own."""
    if not isinstance(error, SMTPResponseException):
        return Attempt(Retry(_reason(error), ours=True), answer=_first_bytes(str(error)))
    outcome: Retry | Refused = Retry("deferred")
    match error:
        case SMTPAuthenticationError() | SMTPSenderRefused():
            outcome = Retry("unauthorized", ours=True)
        case SMTPConnectError() | SMTPHeloError():
            outcome = Retry("server_error", ours=True)
        case _ if error.code < 0:
            outcome = Retry("protocol", ours=True)
        case _ if error.code >= 500 and not _is_full(error):
            outcome = Refused("rejected")
    return Attempt(outcome, error.code if error.code > 0 else None, _first_bytes(error.message))


def _is_full(error: SMTPResponseException) -> bool:
    """A full mailbox is said to be for good (5.2.2), and emptied all the same."""
    return isinstance(error, SMTPRecipientRefused) and error.message.partition(" ")[0].partition(".")[2] == MAILBOX_FULL


def _reason(error: Exception) -> RetryReason:
    cause = error.__cause__ if isinstance(error, SMTPConnectError) else error
    match cause:
        case SMTPTimeoutError() | TimeoutError():
            return "timeout"
        case ssl.SSLError():
            return "tls"
        case socket.gaierror():
            return "dns"
        case SMTPServerDisconnected() | ConnectionResetError() | BrokenPipeError():
            return "disconnected"
        case SMTPException() if "STARTTLS" in str(cause):
            return "tls"
        case SMTPException() if "AUTH" in str(cause) or "authentication" in str(cause):
            return "unauthorized"
        case OSError() if isinstance(error, SMTPConnectError):
            return "connect"
        case OSError():
            return "not_configured"
        case _:
            return "protocol"


def _first_bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")[:MOST_ANSWER_BYTES]
