"""Subscriptions made, read and ended. A secret is in the answer that makes one, and in no other."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from services.notifier.handlers.subscriptions import SubscriptionDesk
from services.notifier.store import subscriptions as store
from services.notifier.subscriptions import shapes
from shared.auth.principal import Principal
from shared.auth.reading import reader_for
from shared.clock import to_ms
from shared.db.port import Database
from shared.errors import NotFound
from shared.ids import AccountId, SubscriptionId
from shared.web.answers import json
from shared.web.pages import Cursor, Limit, decode_cursor, encode_cursor, page
from shared.web.routes import LIST_PROBLEMS, READ_PROBLEMS, WRITE_PROBLEMS, StrictRoute, allow

Caller = Annotated[Principal, Depends(allow("account", needs="subscriptions:manage"))]
IdPath = Annotated[SubscriptionId, Path(pattern=r"^sub_[0-9a-f]{20}$", examples=["sub_0b9f3a6c1d2e4f5a6b7c"])]


def subscription_routes(desk: SubscriptionDesk, database: Database) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["subscriptions"])
    _add_reads(router, database)

    @router.post(
        "/v1/subscriptions", status_code=201, response_model=shapes.NewSubscriptionView, responses=WRITE_PROBLEMS,
        summary="Have events told by a channel: posted to a URL, signed; or by what else there is",
    )  # fmt: skip
    async def subscribe(caller: Caller, body: shapes.SubscriptionBody) -> Response:
        """What happens from now on, in order per ticket, at least once, retried for 75 hours."""
        made = await desk.make(caller, body.wish())
        answer = {**shapes.subscription_view(made.subscription), "secret": made.secret}
        return json(answer, 201, {"Location": f"/v1/subscriptions/{made.subscription.id}", "Cache-Control": "no-store"})

    @router.delete("/v1/subscriptions/{id}", status_code=204, responses=READ_PROBLEMS, summary="No more deliveries")
    async def unsubscribe(caller: Caller, id: IdPath) -> Response:
        await desk.end(caller, id)
        return Response(status_code=204)

    return router


def _add_reads(router: APIRouter, database: Database) -> None:
    @router.get("/v1/subscriptions", response_model=shapes.SubscriptionPage, responses=LIST_PROBLEMS)
    async def list_subscriptions(caller: Caller, limit: Limit = 50, cursor: Cursor = None) -> Response:
        """Newest first."""
        before = decode_cursor(cursor, int, str)
        found = await store.newest(
            reader_for(caller, database), AccountId(caller.subject),
            before=(before[0], before[1]) if before else None, most=limit + 1,
        )  # fmt: skip
        last = found[min(limit, len(found)) - 1] if found else None
        following = encode_cursor(to_ms(last.created_at), last.id) if last else None
        return json(page([shapes.subscription_view(s) for s in found], limit=limit, next_cursor=following))

    @router.get("/v1/subscriptions/{id}", response_model=shapes.SubscriptionView, responses=READ_PROBLEMS)
    async def read_subscription(caller: Caller, id: IdPath) -> Response:
        found = await store.get(reader_for(caller, database), id, AccountId(caller.subject))
        if found is None:
            raise NotFound()
        return json(shapes.subscription_view(found))
