"""Kafka, set up so that an acknowledgement means something: the only package that imports aiokafka.

`access` is who a client says it is, `publisher` and `inbound` carry messages, `admin` makes topics, users and rights.
"""

from shared.bus.kafka.access import Access
from shared.bus.kafka.admin import Admin, administering, ensure_topics
from shared.bus.kafka.inbound import KafkaEvents, KafkaInbound
from shared.bus.kafka.publisher import KafkaPublisher

__all__ = ["Access", "Admin", "KafkaEvents", "KafkaInbound", "KafkaPublisher", "administering", "ensure_topics"]
