"""What the failure tests take for granted of the real servers: a kill loses nothing that was promised, and leaves nothing."""

import os
import select
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.testing.servers import Kafka, Postgres, ServerDidNotStart
