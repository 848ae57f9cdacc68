"""A telling as a mail: the same text in plain and in HTML, and the headers that keep a ticket's mails in one thread.

Message-ID is the last event's, at every try, so that a mail program which gets it twice shows it once. All of a ticket
refer to one root that is never sent, so it matters to no thread which of its mails a subscription wants.
"""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from html import escape

from services.notifier.wording.telling import Telling
from shared.ids import EventId

POLICY = SMTP.clone(cte_type="7bit")  # whatever servers there are on the way, none has to change it
LANGUAGE = {"zh": "zh-CN", "en": "en"}


def mail(telling: Telling, *, sender: Address, recipient: str, id: EventId, now: datetime) -> bytes:
    """`now` is when it is sent; when things happened stands in the text."""
    domain = sender.domain
    message = EmailMessage(POLICY)
    message["Subject"] = telling.subject
    message["From"] = sender
    message["To"] = Address(addr_spec=recipient)
    message["Date"] = now
    message["Message-ID"] = f"<{id}@{domain}>"
    message["In-Reply-To"] = message["References"] = f"<{telling.ticket}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is announced to us
    message["X-Auto-Response-Suppress"] = "All"  # the same for those who don't know that
    message.set_content(telling.text(), cte="base64")
    message.add_alternative(page(telling), subtype="html", cte="base64")
    message["Content-Language"] = LANGUAGE[telling.lang]
    return message.as_bytes()


def page(telling: Telling) -> str:
    """Without an image or anything else that is fetched; nothing can be tapped but our own link, where we ask."""
    news = "".join(
        f"<p><strong>{escape(n.happened)}</strong>{'' if len(telling.news) == 1 else f' {escape(n.at)}'}</p>\n"
        + "".join(f"<blockquote>{escape(quote)}</blockquote>\n" for quote in n.quotes)
        for n in telling.news
    )
    rows = "".join(
        f'<tr><th scope="row" align="left">{escape(label)}</th><td>{escape(value)}</td></tr>\n'
        for label, value in telling.rows
    )
    return (
        f'<!doctype html>\n<html lang="{LANGUAGE[telling.lang]}"><head><meta charset="utf-8">'
        f"<title>{escape(telling.subject)}</title></head>\n<body>\n{news}{_link(telling)}"
        f'<table cellpadding="4">\n{rows}</table>\n</body></html>\n'
    )


def _link(telling: Telling) -> str:
    return f'<p><a href="{escape(telling.link)}">{telling.asks}</a></p>\n' if telling.link else ""
