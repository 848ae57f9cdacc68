"""Signs of life of the local networks: noted in memory by whoever hears them, written down by the NOC's loop.

Written at once for a network not heard of for a minute before, else a minute after what was written: a door that is
asked every second costs one row a minute, and a kill loses a minute of signs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.ids import NetworkCode

WRITTEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Sign:
    """When a network last looked at its orders over HTTP, and when it last said something over either door."""

    looked_at: datetime | None = None
    spoke_at: datetime | None = None


class Signs:
    """`wake` is called when there is something to write down."""

    def __init__(self, clock: Clock, wake: Callable[[], None]) -> None:
        self._clock = clock
        self._wake = wake
        self._written: dict[NetworkCode, datetime] = {}
        self._waiting: dict[NetworkCode, Sign] = {}

    def looked(self, network: NetworkCode) -> None:
        now = self._clock.now()
        self._note(network, now, Sign(now, self._known(network).spoke_at))

    def spoke(self, network: NetworkCode) -> None:
        now = self._clock.now()
        self._note(network, now, Sign(self._known(network).looked_at, now))

    def due(self) -> Mapping[NetworkCode, Sign]:
        """Those to be written down now; they wait until `written`, for the database may be away."""
        now = self._clock.now()
        return {network: sign for network, sign in self._waiting.items() if self._is_due(network, now)}

    def written(self, signs: Mapping[NetworkCode, Sign]) -> None:
        for network, sign in signs.items():
            self._written[network] = max(at for at in (sign.looked_at, sign.spoke_at) if at is not None)
            if self._waiting.get(network) is sign:  # else another came meanwhile
                del self._waiting[network]

    def _known(self, network: NetworkCode) -> Sign:
        return self._waiting.get(network, Sign())

    def _note(self, network: NetworkCode, now: datetime, sign: Sign) -> None:
        self._waiting[network] = sign
        if self._is_due(network, now):
            self._wake()

    def _is_due(self, network: NetworkCode, now: datetime) -> bool:
        written = self._written.get(network)
        return written is None or abs(now - written) >= WRITTEN_EVERY
