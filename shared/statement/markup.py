"""HTML that can't be broken out of: whatever is not `Markup` already is text, and is escaped. Pure."""

from collections.abc import Iterable
from html import escape

VOID = frozenset({"meta", "br"})


class Markup(str):
    """Text that is HTML by our own making."""

    __slots__ = ()


Inner = str | int | None | Iterable["Inner"]


def el(name: str, /, *inside: Inner, **attributes: str | int) -> Markup:
    """`class_` is `class`, `http_equiv` is `http-equiv`."""
    said = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"' for key, value in attributes.items())
    if name in VOID:
        return Markup(f"<{name}{said}>")
    return Markup(f"<{name}{said}>{text(inside)}</{name}>")


def text(inside: Inner) -> Markup:
    if inside is None:
        return Markup("")
    if isinstance(inside, Markup):
        return inside
    if isinstance(inside, str | int):
        return Markup(escape(str(inside)))
    return Markup("".join(text(one) for one in inside))
