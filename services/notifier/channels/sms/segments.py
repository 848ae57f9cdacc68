"""How many segments an SMS takes: GSM 7-bit where its alphabet suffices, else UCS-2, which 中文 always needs.

Source: 3GPP TS 23.038 (alphabet, extension table) and TS 23.040 (a header of 6 octets in each part of several). No
part may break in the middle of an escape sequence or a surrogate pair, so what is left of it there stays empty.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

Encoding = Literal["gsm-7", "ucs-2"]
ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")
"""Two septets each: an escape goes before."""


@dataclass(frozen=True, slots=True)
class Size:
    """`units` are septets or UTF-16 code units."""

    encoding: Encoding
    units: int
    segments: int


def size(text: str) -> Size:
    if all(char in ALPHABET or char in EXTENSION for char in text):
        return _size("gsm-7", [2 if char in EXTENSION else 1 for char in text], alone=160, of_several=153)
    return _size("ucs-2", [2 if ord(char) > 0xFFFF else 1 for char in text], alone=70, of_several=67)


def _size(encoding: Encoding, widths: Iterable[int], *, alone: int, of_several: int) -> Size:
    widths = list(widths)
    units = sum(widths)
    if units <= alone:
        return Size(encoding, units, 1)
    segments, room = 1, of_several
    for width in widths:
        if width > room:
            segments, room = segments + 1, of_several
        room -= width
    return Size(encoding, units, segments)


def longest(fits: Callable[[int], bool], most: int) -> int:
    """The largest n ≤ `most` that fits, 0 if none does; what fits with n fits with less."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low
