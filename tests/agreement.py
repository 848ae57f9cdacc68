"""Whether all that shows a repair says the same: API, statements, reports, Prometheus, table, a recount of the logs.

The recount is `independent_clock`, which shares nothing with the product. Everything is in whole milliseconds, summed
over all tickets; `python -m tests.agreement` compares a running embedded center: its door, its metrics, its file.
"""

import argparse
import asyncio
import json
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.independent_clock import compute, ms
from tests.people import Operator, done

Sums = dict[str, int]
H5, H2 = 5 * 3_600_000, 2 * 3_600_000
SQL = f"""SELECT count(*) AS repaired, coalesce(sum(time_to_repair), 0) AS time_to_repair,
  coalesce(sum(time_to_repair <= {H5}), 0) AS within_5h, coalesce(sum(time_to_repair <= {H2}), 0) AS within_2h
FROM measures WHERE time_to_repair IS NOT NULL AND restored_at IS NOT NULL"""
SUSPENDED = "SELECT kind, coalesce(sum(ms), 0) FROM measured_counts WHERE kind IN ('pending', 'held') GROUP BY kind"


def added(figures: Iterable[dict[str, Any]]) -> Sums:
    """`figures`: of each ticket final time to repair (None: none), and suspended time by reason."""
    total: Counter[str] = Counter(repaired=0, time_to_repair=0, within_5h=0, within_2h=0, pending=0, held=0)
    for found in figures:
        took = found["took"]
        if took is not None:
            total.update(repaired=1, time_to_repair=took, within_5h=int(took <= H5), within_2h=int(took <= H2))
        total.update(pending=sum(found["pending"].values()), held=sum(found["held"].values()))
    return dict(total)


async def by_each(operator: Operator) -> dict[str, Sums]:
    """What the API, the statements and the recount of the logs say. Of open tickets: up to their last entry."""
    shown: dict[str, list[dict[str, Any]]] = {"api": [], "statement": [], "recount": []}
    for ticket in await operator.items("/v1/tickets", limit=200):
        log = await operator.log(ticket["id"])
        told = done(await operator.get(f"/v1/tickets/{ticket['id']}/sla"))
        stated = done(await operator.get(f"/v1/tickets/{ticket['id']}/statement"))
        own = compute(log, ms(log[-1]["at"]))
        final = own["restored_at"] is not None
        shown["recount"].append({**own, "took": own["time_to_repair"] if final else None})
        for name, said, now in (("api", told, told["now"]), ("statement", stated["figures"], stated["as_of"])):
            shown[name].append(_to_the_last_entry(said, ms(now) - ms(log[-1]["at"])))
    return {name: added(found) for name, found in shown.items()}


def _to_the_last_entry(said: dict[str, Any], since: int) -> dict[str, Any]:
    """Both tell of now; a pause that is on has gone on since the last entry."""
    shown: dict[str, Any] = {"took": said["time_to_repair_ms"] if said["is_final"] else None}
    for clock in ("pending", "held"):
        shown[clock] = {**said[f"{clock}_ms"], "since": -since if said["state"] == clock else 0}
    return shown


async def by_report(operator: Operator) -> Sums:
    """What the report over all time says: of repairs only, since open tickets are none of a report's."""
    answer = await operator.get("/v1/reports/attainment", **{"from": "2000-01-01", "to": "2099-12-31"})
    total = done(answer)["total"]
    names = {"repaired": "tickets", "time_to_repair": "total_ms", "within_5h": "within_5h", "within_2h": "within_2h"}
    return {name: total[column] for name, column in names.items()}


def by_metrics(page: str) -> Sums:
    values: Counter[str] = Counter(repaired=0, time_to_repair=0, within_5h=0, within_2h=0, pending=0, held=0)
    for sample in (s for family in text_string_to_metric_families(page) for s in family.samples):
        match sample.name, sample.labels:
            case "vrc_time_to_repair_seconds_count", _:
                values["repaired"] += int(sample.value)
            case "vrc_time_to_repair_seconds_sum", _:
                values["time_to_repair"] += round(sample.value * 1000)
            case "vrc_repairs", {"target": "5h" | "2h" as target, "verdict": "met"}:
                values[f"within_{target}"] += int(sample.value)
            case "vrc_suspended_seconds", {"clock": clock}:
                values[clock] += round(sample.value * 1000)
            case _:
                continue
    return dict(values)


def by_sql(database: Path) -> Sums:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    (row,) = connection.execute(SQL)
    found = {**dict(row), "pending": 0, "held": 0, **dict(connection.execute(SUSPENDED).fetchall())}
    connection.close()
    return found


async def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.agreement")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--metrics", default="http://127.0.0.1:9464/metrics")
    parser.add_argument("--data", type=Path, default=Path("var"))
    given = parser.parse_args(arguments)
    key = json.loads((given.data / "demo-credentials.json").read_text())["operator"]
    async with httpx.AsyncClient(base_url=given.url, timeout=60, trust_env=False) as http:
        found = await by_each(Operator(http, key))
        found["report"] = await by_report(Operator(http, key))
        found["prometheus"] = by_metrics((await http.get(given.metrics)).text)
    found["sql"] = by_sql(given.data / "vrc.sqlite3")
    for name, sums in found.items():
        print(f"{name:11}", *(f"{what}={sums[what]}" for what in sorted(sums)))
    equal = all(sums.items() <= found["recount"].items() for sums in found.values())
    print("equal, to the millisecond" if equal else "NOT EQUAL")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
