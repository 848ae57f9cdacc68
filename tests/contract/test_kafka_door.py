"""What each user of a locked broker may do, and what the broker itself refuses."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    TopicAuthorizationFailedError,
)

from shared.bus.kafka import Access, KafkaInbound, KafkaPublisher, administering, ensure_topics
from shared.bus.rights import SCRAM_SHA_512, of_network
from shared.contracts.envelope import Message
from shared.contracts.topics import TICKETS, orders_topic, progress_topic
from shared.errors import Refused, Unavailable
from shared.testing.servers import Kafka
from tests.locked import Client, Locked
from tests.registry import BEIJING, CHUXIONG
from tests.waiting import until

NO_TOPIC, NO_GROUP = TopicAuthorizationFailedError, GroupAuthorizationFailedError
NO_WRITER = ClusterAuthorizationFailedError  # somebody who may write no topic at all
OWN_GROUP = f"network-{CHUXIONG}.center"
_numbers = count(1)


@pytest.fixture
def chuxiong(locked: Locked) -> Client:
    return locked.client(f"network-{CHUXIONG}")


async def test_network_reads_its_orders_and_writes_its_progress(locked: Locked, chuxiong: Client) -> None:
    said = f"said-{next(_numbers)}".encode()
    await locked.client("vrc-dispatcher").send(orders_topic(CHUXIONG), said)
    assert said in await chuxiong.read(orders_topic(CHUXIONG), f"{OWN_GROUP}-{next(_numbers)}")
    await chuxiong.send(progress_topic(CHUXIONG), said)
    assert said in await Client(locked.kafka.bootstrap, locked.kafka.security.admin).read_alone(
        progress_topic(CHUXIONG)
    )


FORBIDDEN: dict[str, tuple[Callable[[Client], Awaitable[object]], type[Exception]]] = {
    "read another's orders": (lambda c: c.read(orders_topic(BEIJING), OWN_GROUP), NO_TOPIC),
    "read another's orders alone": (lambda c: c.read_alone(orders_topic(BEIJING)), NO_TOPIC),
    "read another's progress": (lambda c: c.read_alone(progress_topic(BEIJING)), NO_TOPIC),
    "read its own progress": (lambda c: c.read_alone(progress_topic(CHUXIONG)), NO_TOPIC),
    "read the tickets": (lambda c: c.read_alone(TICKETS), NO_TOPIC),
    "write another's progress": (lambda c: c.send(progress_topic(BEIJING)), NO_TOPIC),
    "write another's orders": (lambda c: c.send(orders_topic(BEIJING)), NO_TOPIC),
    "write its own orders": (lambda c: c.send(orders_topic(CHUXIONG)), NO_TOPIC),
    "write a ticket": (lambda c: c.send(TICKETS), NO_TOPIC),
    "describe another's topic": (lambda c: c.describe(orders_topic(BEIJING)), NO_TOPIC),
    "delete its own topic": (lambda c: c.delete(orders_topic(CHUXIONG)), NO_TOPIC),
    "read with another's group": (lambda c: c.read(orders_topic(CHUXIONG), f"network-{BEIJING}.center"), NO_GROUP),
    "read with a group like its own": (lambda c: c.read(orders_topic(CHUXIONG), f"network-{CHUXIONG}9.x"), NO_GROUP),
    "read with a service's group": (lambda c: c.read(orders_topic(CHUXIONG), "vrc-dispatcher"), NO_GROUP),
    "describe another's group": (lambda c: c.describe_group(f"network-{BEIJING}.center"), NO_GROUP),
}


@pytest.mark.parametrize("what", FORBIDDEN)
async def test_broker_refuses_a_network_what_is_not_its_own(chuxiong: Client, what: str) -> None:
    act, refusal = FORBIDDEN[what]
    with pytest.raises(refusal):
        await act(chuxiong)


async def test_network_makes_no_topics(chuxiong: Client) -> None:
    for name in ("mine", "vrc.orders.0999", "network-0878.mine"):
        with pytest.raises(Unavailable, match="does not let this user create the topic"):
            await ensure_topics(chuxiong.bootstrap, {name: 1}, replication=1, access=chuxiong.access)


async def test_network_changes_no_rights_and_no_passwords(chuxiong: Client) -> None:
    async with administering(chuxiong.bootstrap, chuxiong.access) as admin:
        attempts: list[Callable[[], Awaitable[object]]] = [
            admin.acls,
            admin.users,
            lambda: admin.grant(of_network(BEIJING).rights),
            lambda: admin.set_password(f"network-{BEIJING}", "mine now"),
        ]
        for attempt in attempts:
            with pytest.raises(Refused, match="does not let this user administer it"):
                await attempt()


async def test_network_sees_no_topics_and_groups_but_its_own(locked: Locked, chuxiong: Client) -> None:
    await locked.client("vrc-dispatcher").send(orders_topic(CHUXIONG))
    await chuxiong.read(orders_topic(CHUXIONG), OWN_GROUP)
    async with administering(chuxiong.bootstrap, chuxiong.access) as admin:
        assert await admin.topics() == {orders_topic(CHUXIONG), progress_topic(CHUXIONG)}
    assert OWN_GROUP in await chuxiong.groups()
    others = await locked.client(f"network-{BEIJING}").groups()
    assert [group for group in others if not group.startswith(f"network-{BEIJING}.")] == []


SERVICES_MAY_NOT: dict[str, tuple[str, Callable[[Client], Awaitable[object]], type[Exception]]] = {
    "notifier writes a ticket": ("vrc-notifier", lambda c: c.send(TICKETS), NO_WRITER),
    "notifier orders": ("vrc-notifier", lambda c: c.send(orders_topic(BEIJING)), NO_WRITER),
    "notifier reads progress": ("vrc-notifier", lambda c: c.read_alone(progress_topic(BEIJING)), NO_TOPIC),
    "notifier takes the dispatcher's place": ("vrc-notifier", lambda c: c.read(TICKETS, "vrc-dispatcher"), NO_GROUP),
    "intake reads tickets": ("vrc-intake", lambda c: c.read_alone(TICKETS), NO_TOPIC),
    "intake reads progress": ("vrc-intake", lambda c: c.read_alone(progress_topic(BEIJING)), NO_TOPIC),
    "intake speaks for a network": ("vrc-intake", lambda c: c.send(progress_topic(BEIJING)), NO_TOPIC),
    "dispatcher speaks for a network": ("vrc-dispatcher", lambda c: c.send(progress_topic(BEIJING)), NO_TOPIC),
    "dispatcher reads orders": ("vrc-dispatcher", lambda c: c.read_alone(orders_topic(BEIJING)), NO_TOPIC),
    "center in one process speaks for a network": ("vrc-center", lambda c: c.send(progress_topic(BEIJING)), NO_TOPIC),
}


@pytest.mark.parametrize("what", SERVICES_MAY_NOT)
async def test_broker_refuses_a_service_what_it_does_not_need(locked: Locked, what: str) -> None:
    user, act, refusal = SERVICES_MAY_NOT[what]
    with pytest.raises(refusal):
        await act(locked.client(user))


async def test_order_to_a_network_that_nobody_provisioned_is_published_all_the_same(locked: Locked) -> None:
    publisher = KafkaPublisher(locked.kafka.bootstrap, access=locked.access("vrc-intake"))
    orders = [Message(f"vrc.orders.099{n}", b"ticket", b"{}", []) for n in (7, 8)]

    async def published() -> bool:
        try:
            await publisher.publish(orders)
        except Unavailable:  # a topic just made is known to its broker a moment later; the relay tries again too
            return False
        return True

    await until(published, timeout_s=30)
    assert await locked.administrator.read_alone("vrc.orders.0997") == [b"{}"]
    await publisher.close()


async def test_service_makes_no_topics_but_those_of_orders(locked: Locked) -> None:
    for name in ("vrc.progress.0997", "vrc.others"):
        with pytest.raises(Unavailable, match="does not let this user create the topic"):
            await ensure_topics(locked.kafka.bootstrap, {name: 1}, replication=1, access=locked.access("vrc-intake"))


def with_password(access: Access, password: str, folder: Path) -> Access:
    file = folder / "password"
    file.touch(0o600)
    file.write_text(password)
    return replace(access, password_file=file)


async def test_nobody_comes_in_without_the_right_password(locked: Locked, chuxiong: Client, tmp_path: Path) -> None:
    beijings = locked.access(f"network-{BEIJING}").password_file.read_text()
    for access in (
        with_password(chuxiong.access, "guessed", tmp_path),
        with_password(chuxiong.access, beijings, tmp_path),
        replace(with_password(chuxiong.access, beijings, tmp_path), user="network-0999"),
        replace(chuxiong.access, tls=False),
    ):
        with pytest.raises(KafkaConnectionError):
            await Client(chuxiong.bootstrap, access).send(progress_topic(CHUXIONG))


async def test_client_speaks_to_no_broker_it_can_not_verify(chuxiong: Client, caplog: pytest.LogCaptureFixture) -> None:
    strangers = replace(chuxiong.access, ca_file=None)  # the system's authorities don't know the broker's
    with caplog.at_level(logging.ERROR), pytest.raises(Unavailable, match=f"refuses the user network-{CHUXIONG}"):
        async with administering(chuxiong.bootstrap, strangers):
            pass
    assert "CERTIFICATE_VERIFY_FAILED" in caplog.text


async def test_center_that_is_refused_waits_and_says_why(
    locked: Locked, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = with_password(locked.access("vrc-dispatcher"), "guessed", tmp_path)
    publisher = KafkaPublisher(locked.kafka.bootstrap, access=wrong)
    inbound = KafkaInbound(locked.kafka.bootstrap, group="vrc-dispatcher", topic=TICKETS, instance=None, access=wrong)
    with pytest.raises(Unavailable):
        await publisher.publish([Message(TICKETS, b"key", b"{}", [])])
    assert await inbound.poll() == []
    assert "SaslAuthenticationFailed" in caplog.text or "AuthenticationFailed" in caplog.text
    await inbound.close()
    await publisher.close()


async def test_password_that_changed_in_its_file_is_used_from_the_next_connection_on(
    locked: Locked, tmp_path: Path
) -> None:
    right = locked.access("vrc-dispatcher")
    access = with_password(right, "not yet", tmp_path)
    inbound = KafkaInbound(locked.kafka.bootstrap, group="vrc-dispatcher", topic=TICKETS, instance=None, access=access)
    await inbound.poll()
    access.password_file.write_text(right.password_file.read_text())
    await until(lambda: joined(inbound))
    await inbound.close()


async def joined(inbound: KafkaInbound) -> bool:
    await asyncio.wait_for(inbound.poll(), timeout=10)
    return inbound._consumer is not None


async def test_users_are_told_apart_without_tls_too(tmp_path: Path) -> None:
    with await asyncio.to_thread(lambda: Kafka(secured=True, tls=False).__enter__()) as kafka:
        admin = kafka.security.admin
        async with administering(kafka.bootstrap, admin) as found:
            assert await found.users() == {admin.user: frozenset({SCRAM_SHA_512})}
        for access in (with_password(admin, "guessed", tmp_path), None, replace(admin, tls=True)):
            with pytest.raises(Unavailable):
                async with administering(kafka.bootstrap, access):
                    pass
