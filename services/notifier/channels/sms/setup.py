"""Whether this center has SMS; only then its libraries are imported."""

from typing import TYPE_CHECKING

from services.notifier.channels.port import Context

if TYPE_CHECKING:
    from services.notifier.channels.sms.channel import SmsChannel

NEEDS = "sms_gateway"


def make(context: Context) -> "SmsChannel | None":
    if context.settings.sms_gateway is None:
        return None
    from services.notifier.channels.sms.channel import SmsChannel

    return SmsChannel(context)
