"""The least that an account is told, whatever its subscriptions leave out: every word about its tickets, until they are
closed, that is not its own.

So no word by which the contract's update interval is counted goes unheard. It is asked for event by event: what some
working subscription of the account wants is told, and what none wants is told by one of them, which answers for that.
One that chose types, circuits or sites gets these and never answers: it is a program's, or a site's own.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from services.notifier.model.preferences import EVERYTHING
from services.notifier.model.subscription import Subscription
from shared.ids import AccountId


def with_answering(subscriptions: Iterable[Subscription]) -> list[Subscription]:
    """The same, whole accounts, in their order; of each account one answers, and knows what the others want."""
    subscriptions = list(subscriptions)
    of: dict[AccountId, list[Subscription]] = defaultdict(list)
    for subscription in subscriptions:
        of[subscription.account].append(subscription)
    answering = {s.id: s for s in map(_answering, of.values()) if s is not None}
    return [answering.get(s.id, s) for s in subscriptions]


def _answering(all_: Sequence[Subscription]) -> Subscription | None:
    """The oldest whose receiver takes what it is sent, before the others; a short message last: it has little room."""
    enabled = [s for s in all_ if s.standing.state != "disabled" and not s.preferences.managers]
    working = [s for s in enabled if s.standing.warned is None] or enabled
    if any(s.preferences is EVERYTHING for s in working):
        return None
    able = [s for s in working if not s.preferences.events and not s.preferences.by_place]
    if not able:
        return None
    first = min(able, key=lambda s: (s.channel == "sms", s.created_at, s.id))
    return replace(first, beside=tuple(s.preferences for s in working if s.id != first.id))
