"""The CloudEvents 1.0.2 envelope in Kafka binary mode: attributes are `ce_` headers, the value is the data.

    type     vrc.<fact>.v1 from the center      vrc.progress.<name>.v1 from a local network
    source   /vrc/tickets                       /networks/<code>
    id       <ticket>-<seq>                     the network's own, unique per source; a repeat is dropped
    subject  <ticket>                           <order>

Extension attributes of the center's events: `account`, `actor`, `status` (the ticket's, after the fact), `seq`, `hash`
(the log's chain at this fact, hexadecimal).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.errors import FieldError, InvalidInput

SPEC_VERSION = b"1.0"
CONTENT_TYPE = b"application/json"
FACT_SOURCE = b"/vrc/tickets"
LONGEST_NAME = 200  # of a network's id or source
Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Message:
    """One record on a topic. `value` is UTF-8 JSON; `headers` are CloudEvents attributes with their ce_ prefix."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers


def fact_type(name: str) -> str:
    """`ticket.reported` → `vrc.ticket.reported.v1`."""
    return f"vrc.{name}.v1"


def fact_name(type_: str) -> str:
    """The inverse of `fact_type`; raises ValueError for a type that is not the center's."""
    head, _, tail = type_.partition(".")
    name, _, version = tail.rpartition(".")
    if head != "vrc" or version != "v1":
        raise ValueError(f"not a fact of this center: {type_}")
    return name


def progress_type(name: str) -> str:
    return f"vrc.progress.{name}.v1"


def network_source(code: str) -> str:
    return f"/networks/{code}"


def binary_headers(*, id: str, type: str, source: str, subject: str, time: str, **extensions: str) -> Headers:
    attributes = {"id": id, "type": type, "source": source, "subject": subject, "time": time, **extensions}
    return [
        ("ce_specversion", SPEC_VERSION),
        ("content-type", CONTENT_TYPE),
        *(("ce_" + name, value.encode()) for name, value in attributes.items()),
    ]


def attributes(headers: Headers, *also_required: str) -> Mapping[str, str]:
    """The CloudEvents attributes of a record. Raises InvalidInput naming the one that is missing or broken.

    Kafka knows headers without a value (None): they count as missing.
    """
    try:
        found = {name[3:]: value.decode() for name, value in headers if name.startswith("ce_") and value is not None}
    except UnicodeDecodeError as error:
        raise InvalidInput(FieldError("headers", "CloudEvents headers must be UTF-8")) from error
    for required in ("specversion", "id", "type", "source", *also_required):
        if not found.get(required):
            raise InvalidInput(FieldError(f"ce_{required}", "this CloudEvents attribute is required"))
    if found["specversion"] != "1.0":
        raise InvalidInput(FieldError("ce_specversion", "only CloudEvents 1.0 is understood"))
    return found
