"""An operator's SMS gateway on loopback: keeps what it is asked to send, answers by script, and signs receipts.

The contract that it keeps is the one that docs/operations/messages.md asks of a real one.
"""

import base64
import hmac
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from shared.testing.receiver import Answer, Hook, Misbehaviour, Receiver

TAKEN = Answer(202, {"content-type": "application/json"}, b'{"id":"gateway-1"}')


@dataclass(frozen=True, slots=True)
class Sms:
    """A message as it was asked for."""

    id: str
    to: str
    text: str
    encoding: str
    segments: int

    @property
    def ticket(self) -> str:
        return self.id.rsplit(".", 1)[0].rsplit("-", 1)[0]

    @property
    def seq(self) -> int:
        return int(self.id.rsplit(".", 1)[0].rsplit("-", 1)[1])


class SmsGateway(Receiver):
    """Who shows another `token` is refused. It has a certificate with `tls`."""

    def __init__(
        self,
        *script: Answer | Misbehaviour,
        otherwise: Answer | Misbehaviour = TAKEN,
        token: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(*script, otherwise=otherwise, tls=tls)
        self.token = token

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/messages"

    @property
    def asked(self) -> Sequence[Sms]:
        """Every request, repeats included."""
        return [Sms(**orjson.loads(hook.body)) for hook in self.hooks if self._knows(hook)]

    @property
    def sent(self) -> Sequence[Sms]:
        """What telephones get: each id once."""
        return list({sms.id: sms for sms in self.asked}.values())

    def chosen(self) -> Answer | Misbehaviour:
        return super().chosen() if self._knows(self.hooks[-1]) else Answer(401)

    def _knows(self, hook: Hook) -> bool:
        return self.token is None or hook.headers.get("authorization") == f"Bearer {self.token}"


def receipt(secret: str, body: Mapping[str, object], *, id: str, timestamp_s: int) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a receipt, signed as Standard Webhooks has it."""
    data = orjson.dumps(body)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.digest(key, f"{id}.{timestamp_s}.".encode() + data, "sha256")
    headers = {
        "content-type": "application/json", "webhook-id": id, "webhook-timestamp": str(timestamp_s),
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }  # fmt: skip
    return data, headers
