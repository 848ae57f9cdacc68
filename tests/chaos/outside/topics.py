"""What local networks find on their topics, and everybody on `vrc.tickets`: the ids of all events, in order."""

from collections import defaultdict
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord

OURS = r"^vrc\.(tickets|orders\.0[0-9]+)$"


async def published(bootstrap: str) -> Mapping[str, list[str]]:
    """Topic → the CloudEvents ids on it; the order is that of each partition, so also that of each ticket."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    consumer.subscribe(pattern=OURS)
    await consumer.start()
    try:
        return await _read(consumer)
    finally:
        await consumer.stop()


async def _read(consumer: AIOKafkaConsumer) -> Mapping[str, list[str]]:
    """To the end as it is now."""
    ends = await consumer.end_offsets(list(consumer.assignment()))
    left = {partition for partition, end in ends.items() if end}
    found: dict[str, list[str]] = defaultdict(list)
    while left:
        for partition, records in (await consumer.getmany(timeout_ms=1000)).items():
            found[partition.topic] += map(_id, records)
        left -= {partition for partition in left if await consumer.position(partition) >= ends[partition]}
    return found


def _id(record: ConsumerRecord) -> str:
    return str(dict(record.headers)["ce_id"], "utf-8")
