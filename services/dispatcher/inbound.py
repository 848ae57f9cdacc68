"""The Kafka door of the local networks: messages on `vrc.progress.<code>` become the same commands as over HTTP.

A network may speak in its own name and of its own orders only: the topic a message came by is who says it. What is
refused is recorded once, with the reason, and told to the network; what is repeated is recognised by the message's
CloudEvents id.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from hashlib import sha256

import orjson
from pydantic import TypeAdapter, ValidationError

from services.dispatcher.handlers import OrderDesk
from services.dispatcher.metrics import DispatcherMetrics
from services.dispatcher.noc import store
from services.dispatcher.noc.store import RefusedProgress
from services.dispatcher.signs import Signs
from shared.auth.principal import Principal
from shared.clock import Clock
from shared.contracts import progress as p
from shared.contracts.envelope import LONGEST_NAME, Message, attributes, network_source, progress_type
from shared.contracts.topics import network_of
from shared.db.port import Database
from shared.errors import FieldError, InvalidInput, Refused, Unavailable
from shared.ids import split_order_id
from shared.tickets.changes import Change, Changed
from shared.tickets.request import Request
from shared.web import strict_json
from shared.web.problems import invalid

log = logging.getLogger(__name__)
SHAPES = {progress_type(name): TypeAdapter(shape) for name, shape in p.TYPES.items()}


class ProgressDoor:
    """`refused` is called when networks are to be told of something."""

    def __init__(
        self,
        desk: OrderDesk,
        database: Database,
        clock: Clock,
        metrics: DispatcherMetrics,
        signs: Signs,
        *,
        refused: Callable[[], None],
    ) -> None:
        self._desk = desk
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._signs = signs
        self._has_refused = refused

    async def on_messages(self, messages: Sequence[Message]) -> None:
        """Raises Unavailable: then all are to come again, and those already taken or refused are recognised."""
        for message in messages:  # also one that is refused is a sign of life
            self._signs.spoke(network_of(message.topic))
        messages = await self._new(messages)
        refused: list[RefusedProgress] = []
        for message, outcome in zip(messages, await self._decided(messages), strict=True):
            match outcome:
                case Changed():
                    self._metrics.progress_taken("kafka")
                case Refused():
                    refused.append(self._refused(message, outcome))
                case Unavailable():
                    raise outcome
                case _:
                    log.error("a message on %s could not be handled", message.topic, exc_info=outcome)
                    refused.append(self._refused(message, InvalidInput(FieldError("body", "could not be handled"))))
        if refused:
            await self._database.transact(lambda tx: store.record_refused(tx, refused))
            self._metrics.progress_refused("kafka", len(refused))
            self._has_refused()

    async def _new(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Without those that were refused before: what was illegal then may be legal now, and was not said now."""
        once: dict[tuple[str, str, str | None, bytes], Message] = {}
        for message in messages:
            once.setdefault((*_name(message), _headers(message).get("ce_type"), message.value), message)
        refused = await store.refused_before(self._database, {(source, id) for source, id, *_ in once})
        return [message for (source, id, *_), message in once.items() if (source, id) not in refused]

    async def _decided(self, messages: Sequence[Message]) -> Sequence[Changed | BaseException]:
        """What became of each. Reading one may have to wait; decided they are in the order they came in."""
        read = await asyncio.gather(*map(self._read, messages), return_exceptions=True)
        if away := next((found for found in read if isinstance(found, Unavailable)), None):
            raise away
        decided = iter(await self._desk.in_order([found for found in read if isinstance(found, Change)]))
        return [next(decided) if isinstance(found, Change) else found for found in read]

    async def _read(self, message: Message) -> Change:
        network = network_of(message.topic)
        found = attributes(message.headers)
        for name in ("id", "source"):
            if len(found[name]) > LONGEST_NAME:
                raise InvalidInput(FieldError(f"ce_{name}", f"must have at most {LONGEST_NAME} characters"))
        if found["source"] != network_source(network):
            raise InvalidInput(FieldError("ce_source", f"must be {network_source(network)} on {message.topic}"))
        adapter = SHAPES.get(found["type"])
        if adapter is None:
            raise InvalidInput(FieldError("ce_type", f"is not one of {', '.join(SHAPES)}"))
        body = strict_json.parse(message.value)
        if not isinstance(body, dict) or not isinstance(order := body.pop("order", None), str):
            raise InvalidInput(FieldError("order", "is required"))
        try:
            said = adapter.validate_python(body)
        except ValidationError as error:
            raise invalid(error) from None
        parts = split_order_id(order)
        if parts is None or parts[1] != network:
            raise InvalidInput(FieldError("order", f"is not an order to local network {network}"))
        digest = sha256(found["type"].encode() + b"\n" + message.value).digest()
        asked = Request(f"kafka:{network}:{found['source']}", found["id"], digest)
        # Who may write the topic is the broker's business; it does not tell from which address a record came.
        by = Principal("network", network, address=f"kafka:{message.topic}")
        return await self._desk.change(parts[0], network, said, by=by, request=asked)

    def _refused(self, message: Message, error: Refused) -> RefusedProgress:
        source, id = _name(message)
        body = message.value[:4000].decode("utf-8", "replace").replace("\x00", "�")
        return RefusedProgress(
            source=source, id=id, network=network_of(message.topic), order=_order_in(message.value),
            type=_stored(_headers(message).get("ce_type", "")), reason=_stored(error.detail), body=body,
            at=self._clock.now(),
        )  # fmt: skip


def _name(message: Message) -> tuple[str, str]:
    """What a message is known by, also a broken one: source and id."""
    headers = _headers(message)
    fallback = "sha256:" + sha256(message.value).hexdigest()
    return _stored(f"{message.topic} {headers.get('ce_source', '')}"), _stored(headers.get("ce_id") or fallback)


def _headers(message: Message) -> dict[str, str]:
    return {name: (value or b"").decode("utf-8", "replace") for name, value in message.headers}


def _stored(text: str) -> str:
    return text.replace("\x00", "�")[:300]


def _order_in(value: bytes) -> str | None:
    try:
        order = orjson.loads(value)["order"]
    except (ValueError, KeyError, TypeError):
        return None
    return _stored(order) if isinstance(order, str) else None
