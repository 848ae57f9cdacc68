"""What local networks find on their topics, and everybody on `vrc.tickets`: the ids of all events, in order; and which
messages of theirs networks were told were refused."""

import json
from collections import defaultdict
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord

REFUSED = b"vrc.progress.refused.v1"
OURS = r"^vrc\.(tickets|orders\.0[0-9]+)$"


@dataclass(slots=True)
class Published:
    """`ids`: topic → the CloudEvents ids on it; the order is that of each partition, so also that of each ticket."""

    ids: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    refused: set[str] = field(default_factory=set)


async def published(bootstrap: str) -> Published:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    consumer.subscribe(pattern=OURS)
    await consumer.start()
    try:
        return await _read(consumer)
    finally:
        await consumer.stop()


async def _read(consumer: AIOKafkaConsumer) -> Published:
    """To the end as it is now."""
    ends = await consumer.end_offsets(list(consumer.assignment()))
    left = {partition for partition, end in ends.items() if end}
    found = Published()
    while left:
        for records in (await consumer.getmany(timeout_ms=1000)).values():
            for record in records:
                _take(record, found)
        left -= {partition for partition in left if await consumer.position(partition) >= ends[partition]}
    return found


def _take(record: ConsumerRecord, found: Published) -> None:
    headers = dict(record.headers)
    if headers["ce_type"] == REFUSED:
        found.refused.add(json.loads(record.value)["message"])
    else:
        found.ids[record.topic].append(str(headers["ce_id"], "utf-8"))
