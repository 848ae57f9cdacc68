"""The page behind the link in a message: one question, two buttons of the same weight, in both languages, no script.

It runs nothing, fetches nothing and tells nobody where it was.
"""

from base64 import b64encode
from hashlib import sha256
from html import escape

from starlette.responses import HTMLResponse, Response

STYLE = """
:root { color-scheme: light dark; --ink: #1c2733; --faint: #5c6b7a; --line: #d5dce3; --back: #eef1f4; --card: #fff;
  --accent: #1a5fb4; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e9ee; --faint: #9aa8b5; --line: #34404c; --back: #12181e; --card: #1b232b; --accent: #8ab8f0; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 16px; max-width: 36rem; background: var(--back); color: var(--ink);
  font: 1rem/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; }
p, h1 { margin: 0; }
header { padding: 8px 0 16px; color: var(--faint); }
main { padding: 24px; background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
h1 { margin: 4px 0 24px; font-size: 1.5rem; line-height: 1.3; }
[lang=en] { display: block; font-size: 1rem; font-weight: 400; }
.number, .faint, h1 [lang=en] { color: var(--faint); }
.number { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
label { display: block; margin-bottom: 4px; font-size: .875rem; color: var(--faint); }
textarea, button { width: 100%; font: inherit; color: inherit; background: var(--back); border: 1px solid var(--line);
  border-radius: 8px; }
textarea { padding: 8px 12px; background: none; resize: vertical; }
.answers { display: grid; grid-template-columns: 1fr 1fr; gap: 12px; margin-top: 16px; }
button { min-height: 64px; padding: 8px; font-weight: 600; cursor: pointer; }
button:hover { border-color: var(--accent); }
button [lang=en] { font-size: .875rem; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
@media (max-width: 30rem) { body { padding: 8px; } header { padding: 8px; } main { padding: 16px; } }
"""
HEADERS = {
    "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none';"
    f" style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'",
}  # fmt: skip
PAGE = f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>VIP Response Center</title><style>{STYLE}</style></head>
<body><header>VIP Response Center</header><main>%s</main></body></html>
"""
NUMBER = '<p class="number">{ticket}</p>'
ASK = """<h1>您对本次修障满意吗？ <span lang="en">Are you satisfied with this repair?</span></h1>
<form method="post"><input type="hidden" name="token" value="{token}">
<label for="comment">意见（可不填） Comment (optional)</label>
<textarea id="comment" name="comment" rows="4" maxlength="2000"></textarea>
<div class="answers"><button name="satisfied" value="yes">满意 <span lang="en">Yes</span></button>
<button name="satisfied" value="no">不满意 <span lang="en">No</span></button></div></form>"""
SAID = """<h1>{zh}</h1><p class="faint" lang="en">{en}</p>"""
YES = ("谢谢，已记录：满意。", "Thank you. Recorded: satisfied.")
NO = ("抱歉。已立案跟进，直到您满意为止。", "We are sorry. A case is open, and stays open until you are satisfied.")
GONE = (
    "此链接无效或已过期，请联系您的客户经理。",
    "This link is not valid, or its time is over. Please ask your account manager.",
)


def asking(ticket: str, token: str) -> Response:
    return _page(NUMBER + ASK, ticket=ticket, token=token)


def thanking(ticket: str, *, satisfied: bool) -> Response:
    zh, en = YES if satisfied else NO
    return _page(NUMBER + SAID, ticket=ticket, zh=zh, en=en)


def gone() -> Response:
    """The same for whatever is wrong."""
    return _page(SAID, 404, zh=GONE[0], en=GONE[1])


def _page(inside: str, status: int = 200, **values: str) -> Response:
    shown = inside.format_map({name: escape(value) for name, value in values.items()})
    return HTMLResponse(PAGE.replace("%s", shown), status, headers=HEADERS)
