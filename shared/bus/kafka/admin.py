"""Topics, SCRAM users and access control of a broker. A password is hashed here: it never goes over the wire."""

import secrets
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from hashlib import pbkdf2_hmac
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from aiokafka.protocol.admin import DescribeAclsRequest

from shared.bus.kafka.access import Access, connection
from shared.bus.kafka.requests import AlterScramUsers, CreateAcls, DeleteAcls, DescribeScramUsers, Entry
from shared.bus.rights import SCRAM_SHA_512, Acl, Found
from shared.errors import Refused, Unavailable

ITERATIONS = 4096  # Kafka's least; more would slow down a guess at a weak password, and these have 256 bits
ANY = 1
TOPIC_AUTHORIZATION_FAILED, CLUSTER_AUTHORIZATION_FAILED, SECURITY_DISABLED = 29, 31, 54


class Admin:
    """Every method raises Unavailable when the broker does not answer, Refused when it says no."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def found(self) -> Found:
        return Found(await self.topics(), await self.users(), await self.acls())

    async def topics(self) -> frozenset[str]:
        """Those that this user may see."""
        async with _spoken_to():
            return frozenset(await self._client.list_topics())

    async def create_topics(self, topics: Mapping[str, int], *, replication: int) -> int:
        """Name → partitions; how many were new."""
        made = 0
        async with _spoken_to():
            answer = await self._client.create_topics([NewTopic(name, n, replication) for name, n in topics.items()])
        for name, code, *_ in answer.topic_errors:
            if code == TOPIC_AUTHORIZATION_FAILED:
                raise Refused(
                    f"The broker does not let this user create the topic {name}, nor see whether it is there: its "
                    "administrator makes topics, with vrc services provision and vrc networks provision."
                )
            if code and (error := for_code(code)) is not TopicAlreadyExistsError:
                raise Refused(f"The broker did not create the topic {name}: {error.__name__}.")
            made += not code
        return made

    async def users(self) -> Mapping[str, frozenset[int]]:
        """User → the mechanisms there is a SCRAM password for."""
        answer = await self._ask(DescribeScramUsers())
        _check(answer.error_code, answer.error_message)
        return {user: frozenset(mechanism for mechanism, *_ in known) for user, _, _, known, _ in answer.results}

    async def set_password(self, user: str, password: str) -> None:
        salt = secrets.token_bytes(32)
        salted = pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
        await self._alter_users(AlterScramUsers(set_to=[(user, SCRAM_SHA_512, ITERATIONS, salt, salted)]))

    async def forget_passwords(self, user: str, mechanisms: Iterable[int]) -> None:
        await self._alter_users(AlterScramUsers(forget=[(user, mechanism) for mechanism in mechanisms]))

    async def acls(self) -> frozenset[Acl]:
        """Everybody's."""
        answer = await self._ask(DescribeAclsRequest(ANY, None, ANY, None, None, ANY, ANY))
        _check(answer.error_code, answer.error_message)
        return frozenset(
            Acl(principal, resource, name, pattern, operation, permission, host)
            for resource, name, pattern, held in answer.resources
            for principal, host, operation, permission in held
        )

    async def grant(self, acls: Iterable[Acl]) -> None:
        answer = await self._ask(CreateAcls([_entry(acl) for acl in acls]))
        for code, message in answer.creation_responses:
            _check(code, message)

    async def revoke(self, acls: Iterable[Acl]) -> None:
        answer = await self._ask(DeleteAcls([_entry(acl) for acl in acls]))
        for code, message, _ in answer.filter_responses:
            _check(code, message)

    async def _alter_users(self, request: AlterScramUsers) -> None:
        for _, code, message, _ in (await self._ask(request)).results:
            _check(code, message)

    async def _ask(self, request: Any) -> Any:
        async with _spoken_to():
            return await self._client._send_to_controller(request)  # aiokafka has no public way to send one's own


@asynccontextmanager
async def administering(bootstrap: str, access: Access | None = None) -> AsyncIterator[Admin]:
    """Raises Unavailable, and OSError when the access is incomplete."""
    client = AIOKafkaAdminClient(**connection(bootstrap, access))
    try:
        async with _spoken_to(access):
            await client.start()
        yield Admin(client)
    finally:
        await client.close()


async def ensure_topics(
    bootstrap: str, topics: Mapping[str, int], *, replication: int, batch: int = 50, access: Access | None = None
) -> int:
    """Creates those that are missing, `topics` being name → partitions; answers how many. Raises Unavailable."""
    made = 0
    async with administering(bootstrap, access) as admin:
        missing = sorted(set(topics) - await admin.topics())
        for i in range(0, len(missing), batch):
            wanted = {name: topics[name] for name in missing[i : i + batch]}
            try:
                made += await admin.create_topics(wanted, replication=replication)
            except Refused as error:  # whoever waits for the topic tries again
                raise Unavailable(error.detail) from error
    return made


@asynccontextmanager
async def _spoken_to(access: Access | None = None) -> AsyncIterator[None]:
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        refused = f", or refuses the user {access.user}" if access else ""
        raise Unavailable(f"The broker does not answer{refused} ({type(error).__name__}).") from error


def _entry(acl: Acl) -> Entry:
    return acl.resource, acl.name, acl.pattern, acl.principal, acl.host, acl.operation, acl.permission


def _check(code: int, message: str | None) -> None:
    if code == SECURITY_DISABLED:
        raise Refused("The broker has no authorizer: without one everybody may do everything.")
    if code == CLUSTER_AUTHORIZATION_FAILED:
        raise Refused("The broker does not let this user administer it; say another one with kafka_user.")
    if code:
        raise Refused(f"The broker refuses: {message or for_code(code).__name__}")
