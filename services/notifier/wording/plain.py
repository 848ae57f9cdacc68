"""What somebody else wrote, made fit to stand in our messages: one line, only text, and nothing a reader could tap.

Mail programs and telephones make links of whatever looks like one; a space where an address would go on takes the
look away and leaves the text readable. Invisible and directing characters go, and the marks that set off our own words.
"""

import re
import unicodedata

CUT = "…"
_MARKS = str.maketrans({"【": "[", "】": "]", "“": "'", "”": "'", "「": "'", "」": "'"})
_SCHEME = re.compile(r":(?=[/\\]{2})")
_MAILBOX = re.compile(rf"@(?=[^\s{CUT}])")
_HOST = re.compile(r"(?<=\w)([.．｡])(?=[^\W\d_])")
_ADDRESS = re.compile(r"(?<![\d.])(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?![\d.])")


def one_line(text: str, *, most: int) -> str:
    """At most so many characters; what is cut off is shown by an ellipsis."""
    kept = "".join(_visible(char) for char in text).translate(_MARKS)
    kept = _SCHEME.sub(": ", kept)
    kept = _MAILBOX.sub("@ ", kept)
    kept = _HOST.sub(r"\1 ", kept)
    kept = _ADDRESS.sub(r"\1. \2. \3. \4", kept)
    kept = " ".join(kept.split())
    return kept if len(kept) <= most else kept[: most - len(CUT)].rstrip() + CUT


def _visible(char: str) -> str:
    """Line breaks and other controls separate; what is not to be seen, or changes what is beside it, goes."""
    category = unicodedata.category(char)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    return "" if category[0] == "C" else char
