"""How many deliveries may be under way: bounded over all, for each subscription, and for all that are failing together.

A subscription starts with a few, doubles with every success and halves with every failure, and with every attempt that
has no answer after a second. It has a share that nobody can deny it, and may have more as long as half of the whole is
free: one that gets hundreds of events a second would otherwise stand before its share while nobody else is there, and
what stands there is claimed a second time, by a look. Those that are down to one share a quarter of the whole: any
number of dead receivers leaves three quarters to the healthy, also those that die all at once with more under way than
their share.
"""

TOTAL = 256
PER_SUBSCRIPTION = 32
AT_FIRST = 4
FAILING = 64


class Room:
    def __init__(self, *, total: int = TOTAL, per_subscription: int = PER_SUBSCRIPTION, failing: int = FAILING) -> None:
        self._total = total
        self._share = per_subscription
        self._most_failing = failing
        self._inside = 0
        self._inside_failing = 0
        self._of: dict[str, int] = {}
        self._limit: dict[str, int] = {}
        self._failing: set[str] = set()

    def copy(self) -> "Room":
        """To try out what would fit, also from another thread."""
        twin = Room(total=self._total, per_subscription=self._share, failing=self._most_failing)
        twin._inside, twin._inside_failing = self._inside, self._inside_failing
        twin._of, twin._limit, twin._failing = dict(self._of), dict(self._limit), set(self._failing)
        return twin

    @property
    def free(self) -> int:
        """What failing ones have under way beyond their share takes no room from others: it ends, no more begins."""
        beyond = max(self._inside_failing - self._most_failing, 0)
        return max(self._total - self._inside + beyond, 0)

    def enter(self, subscription: str) -> bool:
        """Whether one more may start; then `leave` must follow."""
        if not self.free or not self._may_enter(subscription):
            return False
        self.occupy(subscription)
        return True

    def occupy(self, subscription: str) -> None:
        """`enter` without asking, for what a copy was asked about before."""
        self._inside += 1
        self._of[subscription] = self._of.get(subscription, 0) + 1
        self._inside_failing += subscription in self._failing

    def leave(self, subscription: str) -> None:
        self._inside -= 1
        self._of[subscription] -= 1
        self._inside_failing -= subscription in self._failing
        if not self._of[subscription]:
            del self._of[subscription]

    def full(self) -> set[str]:
        """The subscriptions for which nothing more may start now, whatever room there is."""
        full = {s for s in self._of if not self._may_enter(s)}
        return full | self._failing if self._inside_failing >= self._most_failing else full

    @property
    def is_ample(self) -> bool:
        """Whether so much is free that looking for more work pays."""
        return self.free * 8 >= self._total

    def is_open_to(self, subscription: str) -> bool:
        """Whether looking for more of this one pays. Never while it fails: then the look that comes anyway will do."""
        return subscription not in self._failing and self._of.get(subscription, 0) * 2 <= self._most(subscription)

    def succeeded(self, subscription: str) -> None:
        most = max(self._share, self._total // 2)
        self._set(subscription, min(self._allowance(subscription) * 2, most), failing=False)

    def failed(self, subscription: str) -> None:
        allowance = max(min(self._allowance(subscription), self._share) // 2, 1)
        self._set(subscription, allowance, failing=allowance == 1)

    def forget(self, subscription: str) -> None:
        """It is gone for good."""
        self._set(subscription, AT_FIRST, failing=False)
        self._limit.pop(subscription, None)

    def _allowance(self, subscription: str) -> int:
        return self._limit.get(subscription, min(AT_FIRST, self._share))

    def _most(self, subscription: str) -> int:
        """Its allowance as things are."""
        allowance = self._allowance(subscription)
        return allowance if self.free * 2 >= self._total else min(allowance, self._share)

    def _may_enter(self, subscription: str) -> bool:
        if subscription in self._failing and self._inside_failing >= self._most_failing:
            return False
        return self._of.get(subscription, 0) < self._most(subscription)

    def _set(self, subscription: str, limit: int, *, failing: bool) -> None:
        self._limit[subscription] = limit
        if failing == (subscription in self._failing):
            return
        inside = self._of.get(subscription, 0)
        if failing:
            self._failing.add(subscription)
            self._inside_failing += inside
        else:
            self._failing.discard(subscription)
            self._inside_failing -= inside
