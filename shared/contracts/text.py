"""Which characters free text may hold: nothing that a database refuses or a screen is deceived by.

Refused are NUL and other control characters (tab and line breaks are fine), lone surrogates, and the
bidirectional overrides and isolates with which a text can be made to read as another.
"""

import re

_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

# The same as JSON Schema says it: a pattern of ECMA 262. Lone surrogates are no characters there.
PATTERN = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]*$"

# And one of them no white space.
WRITTEN = rf"{PATTERN[:-1]}[^\s{PATTERN[3:-3]}]{PATTERN[1:]}"


def refused_character(text: str) -> str | None:
    """`U+0000` style name of the first refused character; None when the text is plain."""
    found = _REFUSED.search(text)
    return f"U+{ord(found[0]):04X}" if found else None


def plain(text: str) -> str:
    """Raises ValueError naming the first refused character."""
    if name := refused_character(text):
        raise ValueError(f"contains the character {name}, which is not allowed in text")
    return text


def written(text: str) -> str:
    """Raises ValueError too where there is nothing but white space."""
    if text.isspace():
        raise ValueError("must hold something besides white space")
    return plain(text)
