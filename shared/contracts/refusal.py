"""What the center tells a local network, on its orders topic, of a message that it did not take.

Over HTTP the answer to a request says so; over Kafka nothing else would. It is no fact of a ticket: none has changed.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import orjson

from shared.clock import rfc3339
from shared.contracts.envelope import Message, binary_headers, progress_type
from shared.contracts.instant import Instant
from shared.contracts.topics import orders_topic
from shared.ids import NetworkCode

TYPE = progress_type("refused")
SOURCE = "/vrc/progress"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressRefused:
    """`message` and `type` are the `ce_id` and `ce_type` of what was refused, `order` what it named, if it named one.

    `reason` is what the same step over HTTP is answered. Said again it needs another `ce_id`.
    """

    message: str
    type: str
    order: str | None
    reason: str
    refused_at: Instant


def to_message(network: NetworkCode, source: str, refused: ProgressRefused, *, now: datetime) -> Message:
    """`source` and `refused.message` name what was refused once, and so this: its `ce_id` is the same on every try."""
    name = sha256(orjson.dumps([source, refused.message])).hexdigest()[:32]
    subject = refused.order or refused.message
    headers = binary_headers(id=name, type=TYPE, source=SOURCE, subject=subject, time=rfc3339(now))
    return Message(orders_topic(network), subject.encode(), orjson.dumps(refused, option=orjson.OPT_UTC_Z), headers)
