"""Which of several forms or languages a reader likes best, by its Accept or Accept-Language header. Pure."""

from collections.abc import Sequence


def preferred(header: str | None, offered: Sequence[str]) -> str:
    """One of `offered`; the first where the header is missing, likes all the same, or none, or can't be read."""
    liked = dict(_ranges(header or ""))
    return max(offered, key=lambda one: (_quality(one, liked), -offered.index(one)))


def _ranges(header: str) -> Sequence[tuple[str, float]]:
    found = []
    for part in header.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        found.append((name, float(quality) if quality.replace(".", "", 1).isdecimal() else 0.0))
    return found


def _quality(offered: str, liked: dict[str, float]) -> float:
    """The nearest range counts: `text/html` before `text/*` before `*/*`, `zh-CN` as `zh`."""
    if offered in liked:
        return liked[offered]
    kind = offered.split("/")[0]
    alike = [quality for name, quality in liked.items() if name.split("-")[0] == offered]
    return max(alike, default=liked.get(f"{kind}/*", liked.get("*/*", liked.get("*", 0.0))))
