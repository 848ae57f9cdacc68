"""How much of an answer is taken at all, whatever it consists of: so much, and then nothing is read any more.

aiohttp bounds a header and their number, and its reader the body that waits to be read. It takes in without end what is
neither: informational answers (a flood of `100 Continue` held up the whole loop for half a second a time), chunk
extensions, trailers. The limit stands where bytes come in, so there is nothing left to think of.
"""

from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

from services.notifier.channels.http import ANSWER_WITHIN_S, MOST_ANSWER_BYTES

MOST_TAKEN_BYTES = 2 * MOST_ANSWER_BYTES


class FrugalConnector(aiohttp.TCPConnector):
    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        factory: Any = partial(_Frugal, loop=self._loop)
        self._factory = factory


class _Frugal(ResponseHandler):
    _left = MOST_TAKEN_BYTES

    def set_response_params(self, **given: Any) -> None:
        """Called when a request is sent: what is left is for its answer."""
        self._left = MOST_TAKEN_BYTES
        super().set_response_params(**given)

    def data_received(self, data: bytes) -> None:
        taken = data[: self._left]
        self._left -= len(taken)
        if taken or not data:
            super().data_received(taken)
        if len(taken) < len(data) and self.transport is not None and not self.transport.is_closing():
            # What was taken can still be read, for as long as anybody waits for an answer's end.
            self.transport.pause_reading()
            self._loop.call_later(ANSWER_WITHIN_S, self.close)
