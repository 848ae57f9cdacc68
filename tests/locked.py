"""A locked Kafka: its users made by `vrc networks provision` and `vrc services provision`, as on the operator's own."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code
from click.testing import CliRunner, Result

from services.cli import main
from shared.bus.kafka import Access, administering
from shared.bus.kafka.access import connection
from shared.bus.rights import SERVICE_USERS, Found, Holder, principal
from shared.settings import Settings
from shared.testing.servers import Kafka

PARTITIONS = 3


class Locked:
    """A broker, the folder with its users' passwords, and a registry to provision from."""

    def __init__(self, kafka: Kafka, folder: Path) -> None:
        self.kafka = kafka
        self.folder = folder
        self.passwords = folder / "passwords"
        admin = kafka.security.admin
        self._flags = {
            "data-dir": folder, "kafka": kafka.bootstrap, "kafka-user": admin.user,
            "kafka-password-file": admin.password_file, "kafka-ca-file": admin.ca_file,
            "kafka-partitions": PARTITIONS,
        }  # fmt: skip

    async def vrc(self, *arguments: str, **flags: object) -> Result:
        """A command, with the administrator's settings unless a flag says otherwise."""
        return await asyncio.to_thread(self.run, *arguments, **flags)

    def run(self, *arguments: str, **flags: object) -> Result:
        passwords = {"passwords": self.passwords} if "provision" in arguments else {}
        given = self._flags | passwords | {name.replace("_", "-"): value for name, value in flags.items()}
        options = [part for name, value in given.items() for part in (f"--{name}", str(value))]
        return CliRunner().invoke(main, [*arguments, *options])

    def access(self, user: str) -> Access:
        admin = self.kafka.security.admin
        return admin if user == admin.user else self.kafka.security.access(user, self.passwords / f"{user}.password")

    def settings(self, user: str, database: str) -> Settings:
        access = self.access(user)
        return Settings(
            database=database, kafka=self.kafka.bootstrap, kafka_user=user, kafka_ca_file=access.ca_file,
            kafka_password_file=access.password_file, master_key=self.folder / "master.key",
        )  # fmt: skip

    async def found(self) -> Found:
        async with administering(self.kafka.bootstrap, self.kafka.admin) as admin:
            return await admin.found()

    async def forget(self, holder: Holder) -> None:
        """As if this user had never been."""
        async with administering(self.kafka.bootstrap, self.kafka.admin) as admin:
            await admin.revoke([acl for acl in await admin.acls() if acl.principal == principal(holder.user)])
            await admin.forget_passwords(holder.user, [2])
            await admin._client.delete_topics(list(holder.topics))
        (self.passwords / f"{holder.user}.password").unlink()

    @property
    def administrator(self) -> "Client":
        return Client(self.kafka.bootstrap, self.kafka.security.admin)

    def client(self, user: str) -> "Client":
        return Client(self.kafka.bootstrap, self.access(user))


class Client:
    """Somebody else's program at the broker. Every method raises the broker's refusal."""

    def __init__(self, bootstrap: str, access: Access) -> None:
        self.bootstrap = bootstrap
        self.access = access

    async def send(self, topic: str, value: bytes = b"{}") -> None:
        producer = AIOKafkaProducer(**self._connection, acks="all", enable_idempotence=True)
        try:
            await producer.start()
            await producer.send_and_wait(topic, value, partition=0)
        finally:
            await producer.stop()

    async def read(self, topic: str, group: str) -> list[bytes]:
        """What is there, as a member of the group; waits until there is something."""
        return await self._polled(AIOKafkaConsumer(topic, **self._reading, group_id=group))

    async def read_alone(self, topic: str) -> list[bytes]:
        """Of no group, which needs no right to one."""
        consumer = AIOKafkaConsumer(**self._reading)
        consumer.assign([TopicPartition(topic, 0)])
        return await self._polled(consumer)

    async def describe(self, topic: str) -> None:
        async with self._admin() as admin:
            (found,) = await admin.describe_topics([topic])
            _raise(found["error_code"])

    async def delete(self, topic: str) -> None:
        async with self._admin() as admin:
            ((_, code, *_),) = (await admin.delete_topics([topic])).topic_error_codes
            _raise(code)

    async def describe_group(self, group: str) -> None:
        async with self._admin() as admin:
            await admin.describe_consumer_groups([group])

    async def groups(self) -> set[str]:
        async with self._admin() as admin:
            return {name for name, *_ in await admin.list_consumer_groups()}

    @property
    def _connection(self) -> dict[str, object]:
        return connection(self.bootstrap, self.access)

    @property
    def _reading(self) -> dict[str, object]:
        return {**self._connection, "auto_offset_reset": "earliest", "enable_auto_commit": False}

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(**self._connection)
        try:
            await admin.start()
            yield admin
        finally:
            await admin.close()

    async def _polled(self, consumer: AIOKafkaConsumer) -> list[bytes]:
        try:
            await consumer.start()
            async with asyncio.timeout(20):
                while not (found := await consumer.getmany(timeout_ms=1000)):
                    pass
            return [record.value for records in found.values() for record in records]
        finally:
            await consumer.stop()


def _raise(code: int) -> None:
    if code:
        raise for_code(code)


@pytest.fixture(scope="session")
def locked_kafka() -> Iterator[Kafka]:
    with Kafka(secured=True) as server:
        yield server


@pytest.fixture(scope="session")
def locked(locked_kafka: Kafka, seeded_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Locked:
    """Everybody of the registry and every service is provisioned; a test that disturbs that puts it right again."""
    folder = Path(shutil.copytree(seeded_folder, tmp_path_factory.mktemp("locked") / "var"))
    locked = Locked(locked_kafka, folder)
    for names in (["networks", "provision", "--all"], ["services", "provision", *SERVICE_USERS]):
        with ThreadPoolExecutor(1) as thread:  # the first test that wants this is in an event loop already
            answer = thread.submit(locked.run, *names).result()
        assert answer.exit_code == 0, answer.output
    return locked
