"""Every channel there is: the one place that a new one is named in. None: this center is not set up for it."""

from collections.abc import Callable, Mapping

from services.notifier.channels.port import Channel, Context
from services.notifier.channels.webhook import channel as webhook

ROSTER: Mapping[str, Callable[[Context], Channel | None]] = {"webhook": webhook.make}


def open_channels(context: Context) -> Mapping[str, Channel]:
    """Those that this center is set up for, by name."""
    made = {name: make(context) for name, make in ROSTER.items()}
    return {name: channel for name, channel in made.items() if channel is not None}
