"""Whether this center has e-mail; only then its libraries are imported."""

from typing import TYPE_CHECKING

from services.notifier.channels.port import Context

if TYPE_CHECKING:
    from services.notifier.channels.email.channel import EmailChannel

NEEDS = "mail_host and mail_from"


def make(context: Context) -> "EmailChannel | None":
    if context.settings.mail_host is None:
        return None
    from services.notifier.channels.email.channel import EmailChannel

    return EmailChannel(context)
