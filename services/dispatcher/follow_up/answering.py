"""The link in a message and the buttons of its page: an answer without an account.

A link alone changes nothing, because mail scanners follow links; the button does. The token in the query is not in the
access log. Whatever is wrong with a token, the answer is the same page.
"""

from functools import partial
from urllib.parse import parse_qs

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.dispatcher.follow_up import model
from services.dispatcher.follow_up.desk import FollowUps
from services.dispatcher.follow_up.page import asking, gone, thanking
from shared import answer_link
from shared.clock import Clock, to_ms
from shared.contracts import satisfaction as sat
from shared.contracts.text import plain
from shared.db.port import Database
from shared.errors import Refused
from shared.ids import TicketId
from shared.tickets import store as tickets
from shared.tickets.changes import Change

PATH = "/v1/satisfaction"
MOST_FIELDS, MOST_COMMENT = 10, 2000


def routes(desk: FollowUps, database: Database, clock: Clock, *, key: bytes) -> APIRouter:
    router = APIRouter()

    def named(token: str) -> TicketId | None:
        return answer_link.read(token, to_ms(clock.now()), key=key)

    async def ask(request: Request) -> Response:
        token = request.query_params.get("token", "")
        ticket = named(token)
        return asking(ticket, token) if ticket else gone()

    async def answer(request: Request) -> Response:
        form = _form(await request.body())
        ticket, satisfied = named(form.get("token", "")), form.get("satisfied") == "yes"
        found = await tickets.get(database, ticket) if ticket else None
        if found is None or form.get("satisfied") not in ("yes", "no"):
            return gone()
        said = sat.SatisfactionAnswered(satisfied, None, _comment(form.get("comment", "")))
        decide = partial(model.answer, said=said, rules=desk.rules)
        try:
            await desk.command(Change(found.id, f"account:{found.account}/link", decide))
        except Refused:
            return gone()
        return thanking(found.id, satisfied=satisfied)

    # A page for people: not among the operations that the API's document describes.
    router.add_route(PATH, ask, methods=["GET"])
    router.add_route(PATH, answer, methods=["POST"])
    return router


def _form(body: bytes) -> dict[str, str]:
    """The last value of each field; nothing for what is no form."""
    try:
        found = parse_qs(body.decode(), max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in found.items()}


def _comment(text: str) -> str | None:
    """Text of a stranger: without what the door refuses elsewhere, else left out."""
    try:
        return plain(text.strip()[:MOST_COMMENT]) or None
    except ValueError:
        return None
