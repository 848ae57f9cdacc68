"""A local network's own Kafka client: progress on `vrc.progress.<code>`, sent until the broker has acknowledged it.

Without an idempotent producer, and now and then twice on purpose: a repeated CloudEvents id must be recognised.
"""

import asyncio
import json
from random import Random

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.chaos.outside.ledger import Json
from tests.chaos.outside.pause import pause

NAMES = {"accept": "accepted", "progress": "progressed", "restore": "restored"}
"""HTTP's verb → the name in the type of the event; what else a network can say goes over HTTP here."""
TWICE = 0.1
PATIENCE_S, PAUSE_S = 120.0, 0.5


class Unheard(Exception):
    """The broker has not acknowledged within two minutes."""


class Voice:
    def __init__(self, bootstrap: str, rng: Random) -> None:
        self._bootstrap = bootstrap
        self._rng = rng
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._never = asyncio.Event()

    async def say(self, network: str, order: str, verb: str, said: Json, *, id: str) -> None:
        """Returns when the broker has it. Raises Unheard."""
        headers = {
            "ce_specversion": "1.0", "ce_id": id, "ce_type": f"vrc.progress.{NAMES[verb]}.v1",
            "ce_source": f"/networks/{network}", "ce_subject": order, "content-type": "application/json",
        }  # fmt: skip
        value = json.dumps({"order": order, **said}).encode()
        for _ in range(1 + (self._rng.random() < TWICE)):
            await self._until_acknowledged(f"vrc.progress.{network}", order.encode(), value, headers)

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def _until_acknowledged(self, topic: str, key: bytes, value: bytes, headers: dict[str, str]) -> None:
        encoded = [(name, text.encode()) for name, text in headers.items()]
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    try:
                        producer = await self._started()
                        await producer.send_and_wait(topic, value, key=key, headers=encoded)
                        return
                    except (KafkaError, OSError):
                        await pause(PAUSE_S, unless=self._never)
        except TimeoutError:
            raise Unheard(topic) from None

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all", request_timeout_ms=5000)
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer
