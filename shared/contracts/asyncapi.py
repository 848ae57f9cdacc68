"""The contracts as an AsyncAPI 3 document: what other systems read on the topics, and what networks write there.

All of it follows from the facts, the progress shapes and the topics: whatever is added there stands here too.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from shared.contracts import facts, progress, refusal, topics
from shared.contracts.envelope import CONTENT_TYPE, FACT_SOURCE, LONGEST_NAME, fact_type, network_source, progress_type
from shared.contracts.released import SHAPES
from shared.ids import ORDER_PATTERN, TICKET, TICKET_PATTERN

Json = dict[str, Any]
BINDING = "0.5.0"
SCHEMAS = "#/components/schemas/"
CODE = "{network}"
DESCRIPTION = """\
Every fact of every trouble ticket as a CloudEvent (1.0.2, Kafka binary mode): its attributes are the headers that begin
with `ce_`, its data is the record's value. Facts of a ticket are in order and come at least once: drop what you have
seen by `ce_id`. A fact may gain a field that need not be there; pass over what you don't know."""
ACCESS = (
    "SCRAM-SHA-512 over TLS, a user for each reader. A local network may read its own orders and write its own"
    " progress, and nothing else; the broker itself refuses the rest"
)


def document(*, version: str, statuses: Iterable[str]) -> Json:
    """`statuses` are those that a ticket can have."""
    payloads, schemas = _payloads()
    told = {fact_type(name): _fact_message(name, payloads[fact_type(name)]) for name in facts.TYPES}
    said = {progress_type(name): _progress_message(name, payloads[progress_type(name)]) for name in progress.TYPES}
    answered = {refusal.TYPE: _refusal_message(payloads[refusal.TYPE])}
    ordered = [*map(fact_type, topics.FOR_NETWORKS), refusal.TYPE]
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "VIP Response Center", "version": version, "description": DESCRIPTION},
        "defaultContentType": CONTENT_TYPE.decode(),
        "servers": {"kafka": _server()},
        "channels": {
            "tickets": _channel(topics.TICKETS, told, "Every fact of every ticket"),
            "orders": _channel(topics.ORDERS_PREFIX + CODE, ordered, "What one local network must do or know"),
            "progress": _channel(topics.PROGRESS_PREFIX + CODE, said, "What that network says of its orders"),
        },
        "operations": {
            "publishFacts": _operation("send", "tickets", "The center publishes what has happened"),
            "orderNetworks": _operation("send", "orders", "The center orders a network and tells it what it needs"),
            "hearProgress": _operation("receive", "progress", "The center hears how an order gets on"),
        },
        "components": {
            "messages": told | said | answered,
            "schemas": {
                **schemas, "TicketHeaders": _ticket_headers(statuses), "ProgressHeaders": _progress_headers(),
                "RefusalHeaders": _refusal_headers(),
            },
            "securitySchemes": {"scram": {"type": "scramSha512", "description": ACCESS}},
        },
    }  # fmt: skip


def _server() -> Json:
    host = {"default": "kafka.example.net:9092", "description": "The broker, as the center's operator names it"}
    return {
        "host": "{broker}", "protocol": "kafka-secure", "variables": {"broker": host},
        "security": [{"$ref": "#/components/securitySchemes/scram"}],
    }  # fmt: skip


def _channel(address: str, types: Iterable[str], summary: str) -> Json:
    channel = {
        "address": address,
        "summary": summary,
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {type_: {"$ref": f"#/components/messages/{type_}"} for type_ in types},
        "bindings": {"kafka": {"topic": address, "bindingVersion": BINDING}},
    }
    if CODE in address:
        code = {"description": "The area code of a local network", "examples": ["010", "0878"]}
        channel["parameters"] = {CODE.strip("{}"): code}
    return channel


def _operation(action: str, channel: str, summary: str) -> Json:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "summary": summary}


def _fact_message(name: str, payload: Json) -> Json:
    key = {"type": "string", "pattern": TICKET_PATTERN, "description": "The ticket"}
    return _message(fact_type(name), "TicketHeaders", payload, key)


def _progress_message(name: str, payload: Json) -> Json:
    key = {"type": "string", "description": "Yours: use the order, so that what you say of it stays in order"}
    return _message(progress_type(name), "ProgressHeaders", payload, key)


def _refusal_message(payload: Json) -> Json:
    key = {"type": "string", "description": "The order that the refused message named, else its `ce_id`"}
    return _message(refusal.TYPE, "RefusalHeaders", payload, key)


def _message(type_: str, headers: str, payload: Json, key: Json) -> Json:
    return {
        "name": type_,
        "title": type_,
        "headers": {"allOf": [{"$ref": SCHEMAS + headers}, {"properties": {"ce_type": {"const": type_}}}]},
        "payload": payload,
        "bindings": {"kafka": {"key": key, "bindingVersion": BINDING}},
    }


def _payloads() -> tuple[Mapping[str, Json], Json]:
    """A reference for each CloudEvents type, and what they all refer to."""
    inputs: Sequence[Any] = [(type_, "validation", TypeAdapter(shape)) for type_, shape in SHAPES.items()]
    found, made = TypeAdapter.json_schemas(inputs, ref_template=SCHEMAS + "{model}")
    references, schemas = {type_: found[type_, "validation"] for type_ in SHAPES}, made["$defs"]
    for type_ in map(progress_type, progress.TYPES):
        name = references[type_]["$ref"].removeprefix(SCHEMAS)
        schemas[name] = _with_order(schemas[name])
    return references, schemas


def _with_order(shape: Json) -> Json:
    """As on the topic: the order is part of the data."""
    order = {"type": "string", "pattern": ORDER_PATTERN, "examples": ["VT261121-7K3QM9XA.0878"]}
    required = ["order", *shape.get("required", ())]
    return {**shape, "properties": {"order": order, **shape["properties"]}, "required": required}


def _headers(required: Iterable[str], **properties: Json) -> Json:
    cloud_event = {"ce_specversion": {"const": "1.0"}, "content-type": {"const": CONTENT_TYPE.decode()}}
    of_text = {name: {"type": "string", **schema} for name, schema in (cloud_event | properties).items()}
    return {"type": "object", "properties": of_text, "required": sorted(required)}


def _ticket_headers(statuses: Iterable[str]) -> Json:
    properties: dict[str, Json] = {
        "ce_id": {"pattern": rf"^{TICKET}-[1-9][0-9]*$", "description": "`<ticket>-<seq>`, the same on every delivery"},
        "ce_type": {"description": "What has happened"},
        "ce_source": {"const": FACT_SOURCE.decode()},
        "ce_subject": {"pattern": TICKET_PATTERN, "description": "The ticket"},
        "ce_time": {"format": "date-time", "description": "When it was recorded"},
        "ce_account": {"description": "Whose ticket it is"},
        "ce_actor": {"description": "Who did it: `account:…`, `operator:…`, `network:…` or `system:…`"},
        "ce_status": {"enum": list(statuses), "description": "The ticket's, after the fact (TM Forum TMF621)"},
        "ce_seq": {"pattern": "^[1-9][0-9]*$", "description": "Counts the facts of the ticket"},
    }
    required = {"ce_specversion", "content-type", *properties}
    chain = {"pattern": "^[0-9a-f]{64}$", "description": "The chain of the ticket's log at this fact; not of old ones"}
    return _headers(required, **properties, ce_hash=chain)


def _progress_headers() -> Json:
    properties: dict[str, Json] = {
        "ce_id": {"minLength": 1, "maxLength": LONGEST_NAME, "description": "Yours, unique: a repeat is recognised"},
        "ce_type": {"description": "What you have to say"},
        "ce_source": {
            "pattern": f"^{network_source('0[0-9]{2,3}')}$", "examples": [network_source("0878")],
            "description": "Who says it, `/networks/<code>`, with the topic's code; another is refused",
        },
        "ce_subject": {"pattern": ORDER_PATTERN, "description": "The order"},
        "ce_time": {"format": "date-time"},
    }  # fmt: skip
    return _headers({"ce_specversion", "ce_id", "ce_type", "ce_source"}, **properties)


def _refusal_headers() -> Json:
    properties: dict[str, Json] = {
        "ce_id": {"pattern": "^[0-9a-f]{32}$", "description": "The same on every delivery"},
        "ce_type": {"description": "That something you said was not taken"},
        "ce_source": {"const": refusal.SOURCE},
        "ce_subject": {"description": "The order that the refused message named, else its `ce_id`"},
        "ce_time": {"format": "date-time"},
    }
    return _headers({"ce_specversion", "content-type", *properties}, **properties)
