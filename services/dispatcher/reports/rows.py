"""A report as rows of plain columns, the same in JSON, in CSV and on a terminal. Pure.

Shares are in percent, to two places, half up; means are cut off to whole milliseconds. A share of none is None.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from shared.db.statement import Row

Line = Mapping[str, Any]
CENT = Decimal("0.01")


def attainment_line(row: Row, by: Sequence[str]) -> dict[str, Any]:
    tickets, answered = row["tickets"], row["answered"]
    return {
        **key_of(row, by), "tickets": tickets,
        "within_5h": row["within_5h"], "within_5h_percent": percent(row["within_5h"], tickets),
        "within_2h": row["within_2h"], "within_2h_percent": percent(row["within_2h"], tickets),
        "promised": row["judged"], "kept": row["met"], "kept_percent": percent(row["met"], row["judged"]),
        "total_ms": row["total"], "mean_ms": mean(row["total"], tickets), "median_ms": row["time_to_repair_median"],
        "p90_ms": row["time_to_repair_p90"], "response_mean_ms": mean(row["response_total"], answered),
        "response_median_ms": row["response_median"], "response_p90_ms": row["response_p90"],
        "response_promised": row["response_judged"], "response_kept": row["response_met"],
        "response_kept_percent": percent(row["response_met"], row["response_judged"]), "pending_ms": row["pending"],
        "held_ms": row["held"], "reopened": row["reopened"],
    }  # fmt: skip


def repeats_line(row: Row, by: Sequence[str]) -> dict[str, Any]:
    share = percent(row["repeats"], row["tickets"])
    return {**key_of(row, by), "tickets": row["tickets"], "repeats": row["repeats"], "repeats_percent": share}


def worst_line(row: Row, columns: Sequence[str]) -> dict[str, Any]:
    return {
        **{name: row[name] for name in columns}, "tickets": row["tickets"], "breached": row["breached"],
        "total_ms": row["total"], "longest_ms": row["longest"],
    }  # fmt: skip


def key_of(row: Row, by: Sequence[str]) -> dict[str, str | None]:
    return dict(zip(by, (row["one"], row["two"]), strict=False))


def sorted_by_key(lines: Sequence[dict[str, Any]], by: Sequence[str]) -> list[dict[str, Any]]:
    """By the values of the dimensions; what is not known comes last."""
    return sorted(lines, key=lambda line: [(line[name] is None, line[name] or "") for name in by])


def percent(part: int, whole: int) -> Decimal | None:
    return (Decimal(100 * part) / whole).quantize(CENT, ROUND_HALF_UP) if whole else None


def mean(total: int, n: int) -> int | None:
    return total // n if n else None
