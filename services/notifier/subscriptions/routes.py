"""Subscriptions made, read, changed and ended. A secret is in the answer that makes it, and in no other."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from services.notifier.handlers.subscriptions import SubscriptionDesk
from services.notifier.store import subscriptions as store
from services.notifier.subscriptions import shapes
from services.notifier.subscriptions.shapes import PublicKeys
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
NO_STORE = {"Cache-Control": "no-store"}


def subscription_routes(desk: SubscriptionDesk, database: Database, *, public_keys: PublicKeys) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["subscriptions"])
    _add_reads(router, database, public_keys)
    _add_changes(router, desk, public_keys)

    @router.post(
        "/v1/subscriptions", status_code=201, response_model=shapes.NewSubscriptionView, responses=WRITE_PROBLEMS,
        summary="Have events told by a channel: posted to a URL, signed; or by what else there is",
    )  # fmt: skip
    async def subscribe(caller: Caller, body: shapes.SubscriptionBody) -> Response:
        """What happens from now on, in order per ticket, at least once, retried for 75 hours."""
        made = await desk.make(caller, body.wish())
        answer = {**shapes.subscription_view(made.subscription, public_keys), "secret": made.secret}
        return json(answer, 201, {"Location": f"/v1/subscriptions/{made.subscription.id}", **NO_STORE})

    @router.delete("/v1/subscriptions/{id}", status_code=204, responses=READ_PROBLEMS, summary="No more deliveries")
    async def unsubscribe(caller: Caller, id: IdPath) -> Response:
        await desk.end(caller, id)
        return Response(status_code=204)

    return router


def _add_reads(router: APIRouter, database: Database, public_keys: PublicKeys) -> None:
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
        items = [shapes.subscription_view(s, public_keys) for s in found]
        return json(page(items, limit=limit, next_cursor=following))

    @router.get("/v1/subscriptions/{id}", response_model=shapes.SubscriptionView, responses=READ_PROBLEMS)
    async def read_subscription(caller: Caller, id: IdPath) -> Response:
        found = await store.get(reader_for(caller, database), id, AccountId(caller.subject))
        if found is None:
            raise NotFound()
        return json(shapes.subscription_view(found, public_keys))


def _add_changes(router: APIRouter, desk: SubscriptionDesk, public_keys: PublicKeys) -> None:
    @router.patch(
        "/v1/subscriptions/{id}", response_model=shapes.SubscriptionView, responses=WRITE_PROBLEMS,
        summary="Change what is wanted, or where it goes",
    )  # fmt: skip
    async def change(caller: Caller, id: IdPath, body: shapes.ChangeBody) -> Response:
        """What is left out stays as it is. What waits for a digest or quiet hours is looked at anew; to a new target
        goes at once all that is owed."""
        return json(shapes.subscription_view(await desk.change(caller, id, body.given()), public_keys))

    @router.post(
        "/v1/subscriptions/{id}/rotate-secret", response_model=shapes.NewSubscriptionView, responses=WRITE_PROBLEMS,
        summary="A new secret; the one until now signs too, for a day",
    )  # fmt: skip
    async def rotate_secret(caller: Caller, id: IdPath) -> Response:
        """Each webhook then carries the signatures of both. Rotated again within that day, the oldest ends at once."""
        made = await desk.rotate(caller, id)
        answer = {**shapes.subscription_view(made.subscription, public_keys), "secret": made.secret}
        return json(answer, 200, NO_STORE)

    @router.post(
        "/v1/subscriptions/{id}/enable", response_model=shapes.SubscriptionView, responses=WRITE_PROBLEMS,
        summary="Send again what happens from now on",
    )  # fmt: skip
    async def enable(caller: Caller, id: IdPath) -> Response:
        """After it was disabled. What it missed can be replayed, `since` the `failing_since` that it had."""
        return json(shapes.subscription_view(await desk.enable(caller, id), public_keys))
