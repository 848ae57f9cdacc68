"""A center that is watched over as it ships: deploy/prometheus by a real Prometheus and Alertmanager, only faster."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from shared.testing.prometheus import Alertmanager, Prometheus
from shared.testing.serve import serving
from tests.centers import House
from tests.rules import FOLDER, RULES

HURRY = "1s"
Series = dict[str, Any]
"""One of a result: `metric`, its labels, and `value`."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Prometheus's own door."""

    http: httpx.AsyncClient

    async def ask(self, expr: str) -> Sequence[Series]:
        """Raises AssertionError, with what Prometheus says, for what is no query."""
        answer = (await self.http.get("/api/v1/query", params={"query": expr})).json()
        assert answer["status"] == "success", f"{expr}: {answer['error']}"
        found: Sequence[Series] = answer["data"]["result"]
        return found


@asynccontextmanager
async def watched(center: House, tells: str, *, history: Path | None = None) -> AsyncIterator[Watch]:
    """`tells` is where Alertmanager sends what it has to say; `history` (OpenMetrics) was scraped long ago."""
    with ExitStack() as servers:
        prometheus, alertmanager = Prometheus(), Alertmanager()
        async with serving(center.center.metrics.app()) as page:
            alertmanager.config = _alertmanager(tells)
            prometheus.config = _prometheus(page, alertmanager.port)
            if history is not None:
                await asyncio.to_thread(prometheus.remember, history)
            for server in (alertmanager, prometheus):
                await asyncio.to_thread(servers.enter_context, server)
            async with httpx.AsyncClient(base_url=prometheus.url, timeout=30, trust_env=False) as http:
                yield Watch(http)


def _prometheus(page: str, alertmanager_port: int) -> str:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    config["global"] |= {"scrape_interval": HURRY, "scrape_timeout": HURRY, "evaluation_interval": HURRY}
    config["rule_files"] = [str(file) for file in RULES]
    config["scrape_configs"][0]["static_configs"] = [{"targets": [page.removeprefix("http://")]}]
    config["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{alertmanager_port}"]}]
    return yaml.safe_dump(config)


def _alertmanager(tells: str) -> str:
    config = yaml.safe_load((FOLDER / "alertmanager.yml").read_text())
    config["route"] |= {"group_wait": "0s", "group_interval": HURRY}
    config["receivers"][0]["webhook_configs"][0]["url"] = tells
    return yaml.safe_dump(config)
