"""`/v1/tickets/{id}/links` and `/v1/links/{id}` for those whose ticket it is; `/v1/track` for those who have a link."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from services.notifier.tracking import shapes
from services.notifier.tracking.desk import LinkDesk
from services.notifier.tracking.links import LINK_ID_PATTERN, LinkMint
from services.notifier.tracking.page.serving import PATH as PAGE
from shared.auth.principal import Principal
from shared.clock import Clock, to_ms
from shared.ids import TICKET_PATTERN, TicketId
from shared.web.answers import json
from shared.web.pages import Cursor, Limit, decode_cursor, encode_cursor, page
from shared.web.routes import LIST_PROBLEMS, READ_PROBLEMS, WRITE_PROBLEMS, StrictRoute, allow

Manager = Annotated[Principal, Depends(allow("account", "operator", needs="links:manage"))]
TicketPath = Annotated[TicketId, Path(pattern=TICKET_PATTERN, examples=["VT261121-7K3QM9XA"])]
IdPath = Annotated[str, Path(pattern=LINK_ID_PATTERN, examples=["3f09c2a1b7d4"])]


def link_routes(desk: LinkDesk, mint: LinkMint, clock: Clock, *, public_url: str | None) -> APIRouter:
    """`public_url` is the center's address as people reach it; without one the page's address is a path."""
    router = APIRouter(route_class=StrictRoute, tags=["tracking links"])
    page_url = (public_url or "").rstrip("/") + PAGE

    @router.post(
        "/v1/tickets/{id}/links", status_code=201, response_model=shapes.NewLinkView, responses=WRITE_PROBLEMS,
        summary="A link that shows this ticket to somebody without an account",
    )  # fmt: skip
    async def make_link(caller: Manager, id: TicketPath, body: shapes.LinkBody) -> Response:
        """It shows the ticket's steps and no words, people or other tickets. The token is in this answer only."""
        made = await desk.make(caller, id, label=body.label, contact=body.contact_given(), expires_at=body.expires_at)
        token = mint.token(made.id)
        answer = {**shapes.link_view(made, clock.now()), "token": token, "page": f"{page_url}#{token}"}
        return json(answer, 201, {"Cache-Control": "no-store"})

    @router.get("/v1/tickets/{id}/links", response_model=shapes.LinkPage, responses={**LIST_PROBLEMS, **READ_PROBLEMS})
    async def list_links(caller: Manager, id: TicketPath, limit: Limit = 50, cursor: Cursor = None) -> Response:
        """Newest first, with those that are over."""
        before = decode_cursor(cursor, int, str)
        found = await desk.list(caller, id, before=(before[0], before[1]) if before else None, most=limit + 1)
        last = found[min(limit, len(found)) - 1] if found else None
        following = encode_cursor(to_ms(last.created_at), last.id) if last else None
        now = clock.now()
        return json(page([shapes.link_view(link, now) for link in found], limit=limit, next_cursor=following))

    @router.delete("/v1/links/{id}", status_code=204, responses=READ_PROBLEMS, summary="The link shows nothing more")
    async def revoke_link(caller: Manager, id: IdPath) -> Response:
        """In every process within seconds; its open streams end too."""
        await desk.revoke(caller, id)
        return Response(status_code=204)

    return router
