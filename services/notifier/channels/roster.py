"""Every channel there is: the one place that a new one is named in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.notifier.channels.email import setup as email
from services.notifier.channels.port import Channel, Context
from services.notifier.channels.sms import setup as sms
from services.notifier.channels.webhook import channel as webhook


@dataclass(frozen=True, slots=True)
class Kind:
    """`make` answers None in a center that is not set up for it; `needs` says which settings do that."""

    make: Callable[[Context], Channel | None]
    needs: str = ""


ROSTER: Mapping[str, Kind] = {
    "webhook": Kind(webhook.make), "email": Kind(email.make, email.NEEDS), "sms": Kind(sms.make, sms.NEEDS),
}  # fmt: skip


def open_channels(context: Context) -> Mapping[str, Channel]:
    """Those that this center is set up for, by name."""
    made = {name: kind.make(context) for name, kind in ROSTER.items()}
    return {name: channel for name, channel in made.items() if channel is not None}
