"""Requests of Kafka's protocol that aiokafka does not have, or has for one access control entry at a time only.

Source: Kafka's message definitions CreateAclsRequest, DeleteAclsRequest, DescribeUserScramCredentialsRequest and
AlterUserScramCredentialsRequest, KIP-554.
"""

from collections.abc import Sequence
from typing import Any

from aiokafka.protocol.admin import CreateAclsRequest_v1, DeleteAclsRequest_v1
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import CompactArray, CompactBytes, CompactString, Int8, Int16, Int32, Schema, TaggedFields

Entry = tuple[int, str, int, str, str, int, int]
"""resource type, resource name, pattern type, principal, host, operation, permission"""
TAGS = ("tags", TaggedFields)
NO_TAGS: dict[int, bytes] = {}


class CreateAcls(Request[CreateAclsRequest_v1]):  # type: ignore[misc]
    API_KEY = 30

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = list(entries)

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class(self._entries)


class DeleteAcls(Request[DeleteAclsRequest_v1]):  # type: ignore[misc]
    API_KEY = 31

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = list(entries)

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class(self._entries)


class DescribedScramUsers(Response):  # type: ignore[misc]
    API_KEY = 50
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("error_message", CompactString("utf-8")),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")),
                ("error_code", Int16),
                ("error_message", CompactString("utf-8")),
                ("credentials", CompactArray(("mechanism", Int8), ("iterations", Int32), TAGS)),
                TAGS,
            ),
        ),
        TAGS,
    )


class DescribeScramUsers_v0(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 50
    API_VERSION = 0
    RESPONSE_TYPE = DescribedScramUsers
    SCHEMA = Schema(("users", CompactArray(("name", CompactString("utf-8")), TAGS)), TAGS)


class DescribeScramUsers(Request[DescribeScramUsers_v0]):  # type: ignore[misc]
    """Of every user that has a SCRAM password: for which mechanisms."""

    API_KEY = 50

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class([], NO_TAGS)  # None means all too, but a broker that refuses it never answers


class AlteredScramUsers(Response):  # type: ignore[misc]
    API_KEY = 51
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")), ("error_code", Int16), ("error_message", CompactString("utf-8")), TAGS
            ),
        ),
        TAGS,
    )


class AlterScramUsers_v0(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 51
    API_VERSION = 0
    RESPONSE_TYPE = AlteredScramUsers
    SCHEMA = Schema(
        ("deletions", CompactArray(("name", CompactString("utf-8")), ("mechanism", Int8), TAGS)),
        (
            "upsertions",
            CompactArray(
                ("name", CompactString("utf-8")), ("mechanism", Int8), ("iterations", Int32), ("salt", CompactBytes),
                ("salted_password", CompactBytes), TAGS,
            ),
        ),
        TAGS,
    )  # fmt: skip


class AlterScramUsers(Request[AlterScramUsers_v0]):  # type: ignore[misc]
    """`forget` are (user, mechanism); `set_to` are (user, mechanism, iterations, salt, salted password)."""

    API_KEY = 51

    def __init__(
        self, *, forget: Sequence[tuple[str, int]] = (), set_to: Sequence[tuple[str, int, int, bytes, bytes]] = ()
    ) -> None:
        self._forget = [(*each, NO_TAGS) for each in forget]
        self._set_to = [(*each, NO_TAGS) for each in set_to]

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class(self._forget, self._set_to, NO_TAGS)
