"""The gateway's door. Who knocks is known by the signature of what he brings, before that is looked at."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.notifier.handlers.receipts import ReceiptDesk
from services.notifier.receipts.signature import Gatekeeper
from shared.contracts.progress import Short
from shared.web.routes import StrictRoute, problems

MESSAGE = r"^[!-~]{1,200}$"


class ReceiptBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(pattern=MESSAGE, description="Ours, as it stood in the message")]
    state: Annotated[Literal["delivered", "failed"], Field(description="`failed`: it will never reach the telephone")]
    reason: Annotated[Short | None, Field(description="In the gateway's own words")] = None


def receipt_routes(desk: ReceiptDesk, gatekeeper: Gatekeeper) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["sms"])

    async def signed(request: Request) -> None:
        gatekeeper.admit(request.headers, await request.body())

    @router.post(
        "/v1/sms/receipts", status_code=204, dependencies=[Depends(signed)],
        responses=problems(400, 401, 404, 413, 415, 422, 503), summary="What became of a short message",
    )  # fmt: skip
    async def take_receipt(body: ReceiptBody) -> Response:
        """From the operator's SMS gateway, signed as Standard Webhooks has it. Repeatable."""
        await desk.take(body.id, delivered=body.state == "delivered", said=body.reason or "")
        return Response(status_code=204)

    return router
