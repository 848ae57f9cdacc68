"""The page behind the link in a message: one question, two buttons, no account, no script.

A link alone changes nothing, because mail scanners follow links; the button does. The token in the query is not in the
access log, and the page tells nobody where it was. Whatever is wrong with a token, the answer is the same page.
"""

from functools import partial
from html import escape
from urllib.parse import parse_qs

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from services.dispatcher.follow_up import model
from services.dispatcher.follow_up.desk import FollowUps
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
HEADERS = {
    "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'",
}  # fmt: skip
HEAD = """<!doctype html><html lang="zh"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex"><title>VIP Response Center</title><style>
body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem}
button{font:inherit;padding:.6rem 1.4rem;margin:.5rem 1rem .5rem 0}
textarea{width:100%;font:inherit}small{color:#555}</style>"""
ASK = """<h1>{ticket}</h1><p>您对本次修障满意吗？<br><small>Are you satisfied with this repair?</small></p>
<form method="post"><input type="hidden" name="token" value="{token}">
<p><textarea name="comment" rows="3" maxlength="2000" aria-label="意见 Comment"></textarea></p>
<button name="satisfied" value="yes">满意 Yes</button><button name="satisfied" value="no">不满意 No</button></form>"""
THANKS = "<h1>{ticket}</h1><p>{zh}<br><small>{en}</small></p>"
YES = ("谢谢，已记录：满意。", "Thank you. Recorded: satisfied.")
NO = ("抱歉。已立案跟进，直到您满意为止。", "We are sorry. A case is open, and stays open until you are satisfied.")
GONE = """<h1>VIP Response Center</h1><p>此链接无效或已过期，请联系您的客户经理。<br>
<small>This link is not valid, or its time is over. Please ask your account manager.</small></p>"""


def routes(desk: FollowUps, database: Database, clock: Clock, *, key: bytes) -> APIRouter:
    router = APIRouter()

    def named(token: str) -> TicketId | None:
        return answer_link.read(token, to_ms(clock.now()), key=key)

    async def ask(request: Request) -> Response:
        token = request.query_params.get("token", "")
        ticket = named(token)
        return _page(ASK, ticket=ticket, token=token) if ticket else _gone()

    async def answer(request: Request) -> Response:
        form = _form(await request.body())
        ticket, satisfied = named(form.get("token", "")), form.get("satisfied") == "yes"
        found = await tickets.get(database, ticket) if ticket else None
        if found is None or form.get("satisfied") not in ("yes", "no"):
            return _gone()
        said = sat.SatisfactionAnswered(satisfied, None, _comment(form.get("comment", "")))
        decide = partial(model.answer, said=said, rules=desk.rules)
        try:
            await desk.command(Change(found.id, f"account:{found.account}/link", decide))
        except Refused:
            return _gone()
        zh, en = YES if satisfied else NO
        return _page(THANKS, ticket=found.id, zh=zh, en=en)

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


def _page(body: str, **values: str) -> Response:
    shown = body.format_map({name: escape(value) for name, value in values.items()})
    return HTMLResponse(HEAD + shown, headers=HEADERS)


def _gone() -> Response:
    return HTMLResponse(HEAD + GONE, 404, headers=HEADERS)
