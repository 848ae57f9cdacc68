"""Instants and lengths as people read them. China has one time, so everything is told in it; messages say so."""

from datetime import datetime, timedelta, timezone

from shared.contracts.vocabulary import Lang

BEIJING = timezone(timedelta(hours=8))
MINUTE_MS, HOUR_MS = 60_000, 3_600_000


def moment(instant: datetime) -> str:
    """`11-21 16:30` on Beijing's clock."""
    return f"{instant.astimezone(BEIJING):%m-%d %H:%M}"


def length(ms: int, lang: Lang) -> str:
    """`1 h 05 min`; what is left of a minute is cut off."""
    hours, minutes = divmod(ms // MINUTE_MS, 60)
    if not hours:
        return f"{minutes} 分钟" if lang == "zh" else f"{minutes} min"
    if lang == "zh":
        return f"{hours} 小时 {minutes:02d} 分" if minutes else f"{hours} 小时"
    return f"{hours} h {minutes:02d} min" if minutes else f"{hours} h"
