"""An instant in a request: an RFC 3339 string with a zone, never a number, kept as aware UTC in milliseconds."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from shared.clock import whole_ms


def _text(value: Any) -> Any:
    """Pydantic would read 1700000000 as an instant; a client that sends numbers means something else."""
    if isinstance(value, str) and len(value) > len("2026-11-21"):
        return value
    if isinstance(value, datetime):
        return value
    raise ValueError('must be an instant with a zone, such as "2026-11-21T08:30:00+08:00"')


def _utc(value: datetime) -> datetime:
    try:
        return whole_ms(value.astimezone(UTC))
    except OverflowError:
        raise ValueError("is out of range") from None


Instant = Annotated[AwareDatetime, BeforeValidator(_text), AfterValidator(_utc)]
