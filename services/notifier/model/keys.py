"""The secrets of a subscription: the one that signs, and the one before it for a day after it was replaced."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

FORMER_IS_GOOD_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Keys:
    """Both secrets are sealed (`shared.secrets.Vault`), and empty where there is none. `generation` counts them, and
    says which of the keys that are derived belong to `secret`; the former one's is the number before it."""

    secret: str = field(default="", repr=False)
    generation: int = 1
    former: str = field(default="", repr=False)
    former_until: datetime | None = None

    def rotated(self, secret: str, now: datetime) -> "Keys":
        """The one before the former one ends at once."""
        return Keys(secret, self.generation + 1, self.secret, now + FORMER_IS_GOOD_FOR)

    def generations(self, now: datetime) -> list[tuple[int, str]]:
        """Those that are good now, the newest first: each generation and its sealed secret."""
        good = [(self.generation, self.secret)]
        if self.former_until is not None and now < self.former_until:
            good.append((self.generation - 1, self.former))
        return good
