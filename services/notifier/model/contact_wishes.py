"""What an account's contacts in the registry would subscribe to: by mail, by SMS, in their language, in their hours."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from services.notifier.model.preferences import Changes, Language, Preferences, QuietHours
from shared.registry.model.contact import ContactPoint

PeoplesChannel = Literal["email", "sms"]
ZONE = "Asia/Shanghai"
_HOURS = re.compile(r"(?:[A-Z][a-z]{2}(?:-[A-Z][a-z]{2})? )?([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_SPACING = re.compile(r"[ ()./-]")


@dataclass(frozen=True, slots=True)
class ContactWish:
    """`target` None: the registry has none of this contact for this channel."""

    contact: str
    channel: PeoplesChannel
    target: str | None
    preferences: Preferences


def wishes_of(
    contacts: Iterable[ContactPoint], channels: Iterable[PeoplesChannel], changes: Changes
) -> Iterator[ContactWish]:
    """In the registry's order; each target of a channel once."""
    seen: set[tuple[str, str]] = set()
    for contact in contacts:
        wanted = Preferences(changes=changes, language=_language(contact), quiet=_quiet(contact.window))
        for channel in channels:
            target = contact.email if channel == "email" else contact.phone and _SPACING.sub("", contact.phone)
            if target is None:
                yield ContactWish(contact.name, channel, None, wanted)
            elif (channel, target) not in seen:
                seen.add((channel, target))
                yield ContactWish(contact.name, channel, target, wanted)


def _language(contact: ContactPoint) -> Language:
    return "zh" if (contact.language or "zh").startswith("zh") else "en"


def _quiet(window: str | None) -> QuietHours | None:
    """Outside the hours in which somebody is to be called; `24x7`, and what can't be read, is always. Days are not
    told apart: what is urgent is told at any time, and the rest waits for the morning."""
    found = _HOURS.fullmatch(window or "")
    if found is None or found.group(1, 2) == found.group(3, 4):
        return None
    begins, ends = f"{found[1]}:{found[2]}", f"{found[3]}:{found[4]}"
    return QuietHours(ZONE, start=ends, end=begins)
