"""What channels that people read have in common: a notice in words, in the subscription's language."""

from services.notifier.channels.port import Notice
from services.notifier.model.standing import NOTICES
from services.notifier.wording.links import Links
from services.notifier.wording.names import Names
from services.notifier.wording.subscriptions import telling_of_subscription
from services.notifier.wording.telling import Telling, telling


def told_of(notice: Notice, *, names: Names, links: Links) -> Telling:
    lang = notice.subscription.preferences.language
    if notice.events[0].type in NOTICES:
        return telling_of_subscription(notice.events, lang)
    return telling(notice.events, notice.history, names=names, links=links, lang=lang)
