"""The real servers that tests, benches and the chaos run start; deploy/servers/install.sh brings them."""

from shared.testing.kafka import Kafka
from shared.testing.postgres import Postgres
from shared.testing.process import ServerDidNotStart

__all__ = ["Kafka", "Postgres", "ServerDidNotStart"]
