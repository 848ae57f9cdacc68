"""Reports as OpenAPI describes them: rows of plain columns. Durations are milliseconds, shares percent."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

Count = Annotated[int, Field(ge=0)]
Length = Annotated[int | None, Field(ge=0, description="Milliseconds")]
Percent = Annotated[float | None, Field(ge=0, le=100)]
Amount = Annotated[str | None, Field(pattern=r"^\d+\.\d\d$", examples=["1200.00"])]


class _Keyed(BaseModel):
    """Those dimensions that were asked for; null is what is not known."""

    account: str | None = None
    tier: str | None = None
    network: str | None = None
    province: str | None = None
    segment: str | None = None
    service: str | None = None
    cause: str | None = None
    impact: str | None = None
    month: str | None = None


class AttainmentLine(_Keyed):
    """`promised`: how many had a restore target, `kept`: how many kept it. Percentiles are by nearest rank."""

    tickets: Count
    within_5h: Count
    within_5h_percent: Percent
    within_2h: Count
    within_2h_percent: Percent
    promised: Count
    kept: Count
    kept_percent: Percent
    total_ms: Count
    mean_ms: Length
    median_ms: Length
    p90_ms: Length
    response_mean_ms: Length
    response_median_ms: Length
    response_p90_ms: Length
    response_promised: Count
    response_kept: Count
    response_kept_percent: Percent
    pending_ms: Count
    held_ms: Count
    reopened: Count


class RepeatsLine(_Keyed):
    tickets: Count
    repeats: Count
    repeats_percent: Percent


class _Report(BaseModel):
    """Of tickets restored from the day `from` up to the day `to`, which is not in it; days are China's."""

    from_: Annotated[date, Field(alias="from")]
    to: date


class AttainmentReport(_Report):
    items: list[AttainmentLine]
    total: AttainmentLine | None
    satisfaction: Annotated[
        str | None, Field(description="Where an operator reads what customers said of the tickets closed in this time")
    ]


class RepeatsReport(_Report):
    days: int
    items: list[RepeatsLine]
    total: RepeatsLine | None


class WorstLine(BaseModel):
    """Of a network `total_ms` is its own share of the tickets it was ordered to; else their time to repair."""

    network: str | None = None
    circuit: str | None = None
    account: str | None = None
    tickets: Count
    breached: Count
    total_ms: Count
    longest_ms: Length


class WorstReport(_Report):
    items: list[WorstLine]


class CompensationLine(BaseModel):
    """`amount` is without those breaches whose circuit has no monthly fee in the registry (`without_fee`)."""

    account: str | None = None
    circuit: str | None = None
    tier: str | None = None
    month: str | None = None
    ticket: str | None = None
    breaches: Count
    without_fee: Count
    percent: Annotated[int | None, Field(description="Of one ticket, of its circuit's monthly fee")] = None
    over_ms: Length = None
    amount: Amount


class CompensationReport(_Report):
    rules: str
    currency: str
    items: list[CompensationLine]
    total: CompensationLine
