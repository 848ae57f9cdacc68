"""An instant in a request: an RFC 3339 string with a zone, never a number, kept as aware UTC in milliseconds."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from shared.clock import whole_ms

DAY_PATTERN = r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}$"


def _with_zone(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """Pydantic would read 1700000000 as an instant; a client that sends numbers means something else."""
    if isinstance(value, datetime) or (isinstance(value, str) and len(value) > len("2026-11-21")):
        with suppress(ValidationError):
            return read(value)
    raise ValueError('must be an instant with a zone, such as "2026-11-21T08:30:00+08:00"')


def _utc(value: datetime) -> datetime:
    try:
        return whole_ms(value.astimezone(UTC))
    except OverflowError:
        raise ValueError("is out of range") from None


Instant = Annotated[AwareDatetime, WrapValidator(_with_zone), AfterValidator(_utc)]
