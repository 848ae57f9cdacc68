"""Whether a request was signed just now with a secret that only the gateway has: Standard Webhooks the other way round.

It says nothing of which of these was wrong: a stranger must not learn how near he came.
"""

import base64
import binascii
import hmac
import logging
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from shared.clock import Clock, to_ms
from shared.credentials import password_in
from shared.errors import NotFound, Unauthenticated, Unavailable

log = logging.getLogger(__name__)
PREFIX = "whsec_"
WITHIN = timedelta(minutes=5)
REFUSED = "The signature, its secret or its time is not right."


class Gatekeeper:
    """The secret is read at each request: a new one counts at once. None: nobody is let in."""

    def __init__(self, secret_file: Path | None, clock: Clock) -> None:
        self._secret_file = secret_file
        self._clock = clock

    def admit(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raises NotFound where no receipts are wanted, Unauthenticated."""
        if self._secret_file is None:
            raise NotFound("This center wants no receipts: sms_receipt_secret_file is not set.")
        id, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not sent.isascii() or not sent.isdigit() or len(sent) > 12:
            raise Unauthenticated(REFUSED)
        late_ms = abs(to_ms(self._clock.now()) - int(sent) * 1000)
        right = "v1," + base64.b64encode(hmac.digest(self._key(), f"{id}.{sent}.".encode() + body, "sha256")).decode()
        shown = headers.get("webhook-signature", "").encode().split(b" ")
        is_signed = any([hmac.compare_digest(right.encode(), each) for each in shown])
        if not is_signed or late_ms > WITHIN / timedelta(milliseconds=1):
            raise Unauthenticated(REFUSED)

    def _key(self) -> bytes:
        """Raises Unavailable: the gateway comes again, and an operator reads the log."""
        assert self._secret_file is not None
        try:
            return base64.b64decode(password_in(self._secret_file).removeprefix(PREFIX), validate=True)
        except (OSError, binascii.Error) as error:
            log.error("receipts can't be checked: %s", error)
            raise Unavailable("Receipts can't be checked at the moment.", retry_after_s=60) from None
