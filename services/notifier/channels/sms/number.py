"""Which telephone numbers messages may be sent to: written internationally, and of countries the operator allowed.

Whoever may have messages sent to any number of the world can have them sent where it pays him to receive them.
"""

import re
from collections.abc import Iterable

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_CHINESE_MOBILE = re.compile(r"\+861[3-9][0-9]{9}")


def objection(number: str, countries: Iterable[str]) -> str | None:
    """What is wrong with it as it is given; None when it may be tried. `countries`: prefixes like `+86`."""
    if not _NUMBER.fullmatch(number):
        return "must be an international number without spaces, like +8613800138000"
    if number.startswith("+86") and not _CHINESE_MOBILE.fullmatch(number):
        return "must be a mobile number: of China those are +861 and ten more digits"
    if not number.startswith(tuple(countries)):
        return f"must begin with {' or '.join(countries)}: this center sends to no other countries"
    return None
