"""The local networks' HTTP door: their orders and what they say of them. A network sees its own orders only."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, Optional

import orjson
from fastapi import APIRouter, Body, Depends, Path, Response

from services.dispatcher import shapes, store
from services.dispatcher.handlers import OrderDesk
from services.dispatcher.metrics import DispatcherMetrics
from shared.auth.principal import Principal
from shared.contracts import progress as p
from shared.db.port import Database
from shared.errors import NotFound, Refused
from shared.ids import NETWORK_PATTERN, ORDER_PATTERN, NetworkCode, OrderId, split_order_id
from shared.tickets.view import OrderView, order_view
from shared.web.answers import json
from shared.web.idempotency import REPLAYED, IdempotencyKey, request_of
from shared.web.pages import Cursor, Limit, decode_cursor, encode_cursor, page
from shared.web.routes import DONE_OR_PROBLEMS, LIST_PROBLEMS, READ_PROBLEMS, StrictRoute, allow

Reader = Annotated[Principal, Depends(allow("network", "operator", needs="tickets:read"))]
Worker = Annotated[Principal, Depends(allow("network", "operator", needs="orders:work"))]
OrderPath = Annotated[OrderId, Path(pattern=ORDER_PATTERN, examples=["VT261121-7K3QM9XA.0878"])]
Heard = Callable[[NetworkCode], None]
BEGINNING = (-(2**62), "")
SUMMARIES = {
    "accept": "We take the order",
    "decline": "We don't, and why",
    "progress": "Where we are: diagnosed, on site, expected restoration",
    "suspend": "The work has to wait, and for what",
    "resume": "The work goes on",
    "assist": "Another network is asked to test or work with us (协查)",
    "hand-over": "The fault is another network's: the order goes there directly",
    "restore": "The service is back (销障)",
    "fault-report": "What it was, what was done, what is done against it: owed to the customer after the restoration",
}


def routes(desk: OrderDesk, database: Database, metrics: DispatcherMetrics, looked: Heard, spoke: Heard) -> APIRouter:
    router = APIRouter(route_class=StrictRoute)
    _add_orders(router, database, looked)
    for verb, shape in p.VERBS.items():
        _add_verb(router, desk, metrics, spoke, verb=verb, shape=shape)
    return router


def _require_own(caller: Principal, network: str) -> None:
    """Another network's is as unknown as one that does not exist."""
    if caller.role == "network" and caller.subject != network:
        raise NotFound()


def _add_orders(router: APIRouter, database: Database, looked: Heard) -> None:
    @router.get(
        "/v1/networks/{code}/orders", response_model=shapes.OrderPage, responses={**LIST_PROBLEMS, **READ_PROBLEMS},
        tags=["orders"],
    )  # fmt: skip
    async def list_orders(
        caller: Reader,
        code: Annotated[str, Path(pattern=NETWORK_PATTERN, examples=["0878"])],
        state: Literal["live", "issued", "accepted", "declined", "handed_over", "restored", "stood_down"] | None = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Response:
        """The most urgent first: by breach time and tier. `state=live` are those to work on: issued and accepted."""
        _require_own(caller, code)
        if caller.role == "network":
            looked(NetworkCode(code))
        after = decode_cursor(cursor, int, str)
        rows = await store.orders_to(
            database, code, state=state, after=(after[0], after[1]) if after else BEGINNING, most=limit + 1
        )
        last = rows[min(limit, len(rows)) - 1] if rows else None
        following = encode_cursor(last["rank_at"], last["id"]) if last else None
        return json(page([shapes.order_detail(row) for row in rows], limit=limit, next_cursor=following))

    @router.get("/v1/orders/{id}", response_model=shapes.OrderDetail, responses=READ_PROBLEMS, tags=["orders"])
    async def read_order(caller: Reader, id: OrderPath) -> Response:
        row = await store.order(database, id)
        if row is None:
            raise NotFound()
        _require_own(caller, row["network"])
        return json(shapes.order_detail(row))


def _add_verb(
    router: APIRouter,
    desk: OrderDesk,
    metrics: DispatcherMetrics,
    spoke: Heard,
    *,
    verb: str,
    shape: Callable[..., p.Progress],
) -> None:
    """`POST /v1/orders/{id}/<verb>`; the body is the shape that Kafka carries too, or none where all has defaults."""
    may_be_empty = shape is not p.HandedOver and _has_only_defaults(shape)

    async def move(
        caller: Worker,
        id: OrderPath,
        body: Any = Body(None) if may_be_empty else Body(),  # noqa: B008  FastAPI's way to say "required"
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        parts = split_order_id(id)
        if parts is None:
            raise NotFound()
        ticket, network = parts
        _require_own(caller, network)
        if caller.role == "network":
            spoke(network)
        said = shape() if body is None else body
        asked = request_of(caller, idempotency_key, f"POST /v1/orders/{id}/{verb}", orjson.loads(orjson.dumps(said)))
        try:
            changed = await desk.progress(ticket, network, said, by=caller, request=asked)
        except Refused:
            metrics.progress_refused("http")
            raise
        metrics.progress_taken("http")
        order = changed.ticket.order_to(network)
        assert order is not None, "a change to an order leaves the order"
        headers = {REPLAYED: "true"} if changed.replayed else None
        return json(order_view(changed.ticket, order), headers=headers)

    move.__annotations__["body"] = Optional[shape] if may_be_empty else shape  # noqa: UP045  shape is a value here
    router.add_api_route(
        f"/v1/orders/{{id}}/{verb}", move, methods=["POST"], response_model=OrderView, responses=DONE_OR_PROBLEMS,
        summary=SUMMARIES[verb], name=f"{verb}_order", tags=["orders"],
    )  # fmt: skip


def _has_only_defaults(shape: Callable[..., p.Progress]) -> bool:
    try:
        shape()
    except TypeError:
        return False
    return True
