"""The link in a message by which whoever gets it answers, without an account: only where something is asked."""

from dataclasses import dataclass, field
from datetime import timedelta

from shared import answer_link
from shared.clock import to_ms
from shared.contracts.event import Event

ASKS = "ticket.follow_up_asked"
LASTS = timedelta(days=30)
PATH = "/v1/satisfaction"


@dataclass(frozen=True, slots=True)
class Links:
    """`public_url` is the center's address as people reach it; without one there are no links."""

    public_url: str | None
    key: bytes = field(repr=False)

    def of(self, event: Event) -> str | None:
        """The same at every try: its time runs from the event."""
        if event.type != ASKS or self.public_url is None:
            return None
        token = answer_link.make(event.ticket, to_ms(event.at + LASTS), key=self.key)
        return f"{self.public_url.rstrip('/')}{PATH}?token={token}"
