"""Prometheus metrics on a listener of their own. Label values come from bounded sets only.

One registry a center, so that tests run several in one process. What must agree with the record is collected from
the database when it is scraped; counters in the process are for rates.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.errors import Unavailable

# A start time for every child would double the page.
disable_created_metrics()  # type: ignore[no-untyped-call]
log = logging.getLogger(__name__)
Refresh = Callable[[], Awaitable[None]]
CACHE_S = 1.0


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.refusals = self.counter("vrc_limit_refusals_total", "Requests refused by a limit.", ("limit",))
        self._refreshes: list[Refresh] = []
        self._page = b""
        self._page_at = float("-inf")

    def counter(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def gauge(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def histogram(
        self, name: str, text: str, labels: tuple[str, ...] = (), *, buckets_s: tuple[float, ...]
    ) -> Histogram:
        return Histogram(name, text, labels, registry=self.registry, buckets=buckets_s)

    def from_record(self, refresh: Refresh) -> None:
        """`refresh` sets gauges from the database; it runs before a scrape is answered, at most once a second."""
        self._refreshes.append(refresh)

    async def page(self) -> bytes:
        if time.monotonic() - self._page_at > CACHE_S:
            for refresh in self._refreshes:
                try:
                    await refresh()
                except Unavailable as error:
                    log.warning("a scrape shows old figures: %s", error)
            # Rendering a thousand children takes 100 ms: not on the loop that answers customers.
            self._page = await asyncio.to_thread(generate_latest, self.registry)
            self._page_at = time.monotonic()
        return self._page

    def app(self) -> Starlette:
        async def scrape(request: Request) -> Response:
            return Response(await self.page(), media_type=CONTENT_TYPE_LATEST)

        return Starlette(routes=[Route("/metrics", scrape)])
