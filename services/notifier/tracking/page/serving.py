"""`GET /track`: for anybody, for it says nothing of anybody. It may run its own script and ask this center, no more."""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from string import Template

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from services.notifier.tracking.page.words import spoken

PATH = "/track"
POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; connect-src 'self'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}  # fmt: skip


def page_route() -> APIRouter:
    style, script = _file("page.css"), _file("page.js")
    words = orjson.dumps(spoken()).decode().replace("<", "\\u003c")
    page = Template(_file("page.html")).substitute(style=style, script=script, words=words)
    policy = POLICY.format(script=_hash(script), style=_hash(style))
    router = APIRouter()

    async def show(_: Request) -> Response:
        return HTMLResponse(page, headers={**HEADERS, "Content-Security-Policy": policy})

    # A page for people: not among the operations that the API's document describes.
    router.add_route(PATH, show, methods=["GET"])
    return router


def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
