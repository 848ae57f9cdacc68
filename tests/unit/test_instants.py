"""An instant in a request is an RFC 3339 string with a zone; inside it is UTC in milliseconds."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.clock import rfc3339
from shared.contracts.instant import Instant
from shared.testing.clock import START
from tests.strategies import INSTANTS

INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


@pytest.mark.parametrize("text", ["2026-11-21T08:00:00Z", "2026-11-21T16:00:00.0009+08:00", "2026-11-21T08:00Z"])
def test_instant_of_any_zone_becomes_utc_in_whole_milliseconds(text: str) -> None:
    assert INSTANT.validate_python(text) == START
    assert INSTANT.validate_python(text).tzinfo == UTC


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-21T08:00:00",
        "2026-11-21T08:00:00+25:00",
        "2026-13-21T08:00:00Z",
        "2026-11-21",
        1_700_000_000,
        1.5,
        "1700000000",
        "",
        None,
        True,
    ],
)  # fmt: skip
def test_what_is_no_instant_with_a_zone_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match='such as "2026-11-21T08:30:00'):
        INSTANT.validate_python(value)


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00"])
def test_instant_out_of_range_is_refused_not_a_defect(text: str) -> None:
    with pytest.raises(ValidationError):
        INSTANT.validate_python(text)


@given(st.text(max_size=40))
def test_any_text_is_an_instant_or_refused(text: str) -> None:
    with suppress(ValidationError):
        assert INSTANT.validate_python(text).tzinfo == UTC


@given(INSTANTS)
def test_instant_the_center_wrote_is_read_back_the_same(instant: datetime) -> None:
    assert INSTANT.validate_python(rfc3339(instant)) == instant
