"""Events of one ticket told to one reader: subject, what happened, what stands, what was written with it.

The subject is the same for every event of a ticket, so that mail programs keep them in one thread.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.notifier.wording import sayings
from services.notifier.wording.links import Links
from services.notifier.wording.names import Names
from services.notifier.wording.plain import one_line
from services.notifier.wording.situation import Promise, Situation, situation
from services.notifier.wording.times import length, moment
from shared.contracts.event import Event
from shared.contracts.vocabulary import STATUS, Lang
from shared.tickets.expected import TARGET, expected

MOST_QUOTED = 500
MOST_NAMED = 80


@dataclass(frozen=True, slots=True)
class News:
    """One event: when, what happened, and what others wrote with it, one harmless line each, in quotation marks."""

    at: str
    happened: str
    quotes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Telling:
    """`news` in order, not empty; `rows` are label and value of what stands after the last of them.

    `brief` are statements of a few words for where there is little room, the most important first. `link` is where to
    answer, when something is asked.
    """

    lang: Lang
    ticket: str
    subject: str
    news: Sequence[News]
    rows: Sequence[tuple[str, str]]
    brief: Sequence[str]
    link: str | None = None

    def text(self) -> str:
        """As plain text in which every line begins as we wrote it."""
        colon = "：" if self.lang == "zh" else ": "
        rows = (f"{label}{colon}{value}" for label, value in self.rows)
        asked = (f"{self.asks}{colon}{self.link}", "") if self.link else ()
        return "\n".join([*self._told(), "", *asked, *rows, ""])

    @property
    def asks(self) -> str:
        return "请在此答复" if self.lang == "zh" else "Answer here"

    def _told(self) -> Iterator[str]:
        for news in self.news:
            yield news.happened if len(self.news) == 1 else f"{news.at} {news.happened}"
            yield from (f"  {quote}" for quote in news.quotes)


def telling(events: Sequence[Event], history: Sequence[Event], *, names: Names, links: Links, lang: Lang) -> Telling:
    """`history` is the ticket's whole log up to the last of `events`."""
    link = next((found for event in reversed(events) if (found := links.of(event))), None)
    at = situation(history)
    news = [_news(event, names, lang) for event in events]
    happened, quoted = [n.happened for n in reversed(news)], [q for n in reversed(news) for q in n.quotes]
    return Telling(
        lang=lang, ticket=at.ticket.id, subject=_subject(at, lang), news=news, rows=list(_rows(at, names, lang)),
        brief=[*happened, *([link] if link else []), *_brief(at, lang, happened), *quoted], link=link,
    )  # fmt: skip


def _news(event: Event, names: Names, lang: Lang) -> News:
    fact = event.fact()
    quotes = [f"「{q}」" if lang == "zh" else f"“{q}”" for q in sayings.quotations(fact, most=MOST_QUOTED)]
    return News(moment(event.at), sayings.sentence(fact, names, lang), quotes)


def _subject(at: Situation, lang: Lang) -> str:
    circuit = one_line(at.ticket.circuit, most=MOST_NAMED)
    return f"[{at.ticket.id}] {f'电路 {circuit} 障碍' if lang == 'zh' else f'Fault on circuit {circuit}'}"


def _rows(at: Situation, names: Names, lang: Lang) -> Iterator[tuple[str, str]]:
    zh, t = lang == "zh", at.ticket
    yield ("障碍单" if zh else "Ticket"), t.id
    yield ("电路" if zh else "Circuit"), one_line(t.circuit, most=MOST_NAMED)
    yield ("状态" if zh else "Status"), STATUS[t.status][0 if zh else 1]
    if working := ("，" if zh else ", ").join(_working(at, names, lang)):
        yield ("处理单位" if zh else "Working on it"), working
    if t.cause:
        yield ("原因" if zh else "Cause"), sayings.word(t.cause, lang)
    if back := _expected(at, lang):
        yield ("预计恢复" if zh else "Expected back"), back
    if at.promise:
        yield "SLA", _sla(at.promise, lang)
    if at.next_update_by:
        yield ("下次反馈不晚于" if zh else "Next update by"), moment(at.next_update_by)
    yield ("时间" if zh else "Times"), ("均为北京时间" if zh else "Beijing time (UTC+8)")


def _working(at: Situation, names: Names, lang: Lang) -> Iterator[str]:
    for order in at.ticket.live_orders:
        name = sayings.network(order.network, names, lang)
        if order.stage is None:
            yield name
        else:
            stage = sayings.word(order.stage, lang)
            yield f"{name}（{stage}）" if lang == "zh" else f"{name} ({stage})"


def _expected(at: Situation, lang: Lang) -> str | None:
    """While the service is down, and where it is more than the promise: what the network says, or what repairs took."""
    found = expected(at.ticket)
    if found is None or found.basis == TARGET:
        return None
    if found.earliest is None or found.latest is None:
        return moment(found.at)
    within = f"{moment(found.earliest)} – {moment(found.latest)}"
    return (
        f"{moment(found.at)}（按以往估计，{within}）"
        if lang == "zh"
        else f"{moment(found.at)} (from past repairs, {within})"
    )


def _sla(promise: Promise, lang: Lang) -> str:
    """Where the clock stands."""
    target, used = length(promise.target_ms, lang), length(promise.used_ms, lang)
    if lang == "zh":
        return f"目标 {target}，已用 {used}，{_verdict(promise, lang)}"
    return f"target {target}, {used} used, {_verdict(promise, lang)}"


def _verdict(promise: Promise, lang: Lang) -> str:
    zh = lang == "zh"
    match promise.verdict:
        case "met":
            return "达标" if zh else "met"
        case "breached":
            return "超时" if zh else "breached"
        case "stopped":
            return "计时停止" if zh else "clock stopped"
        case "running":
            return f"{moment(promise.due_at)} 到时" if zh else f"due {moment(promise.due_at)}"


def _brief(at: Situation, lang: Lang, happened: Sequence[str]) -> Iterator[str]:
    """What `happened` says already is not said twice: each character costs."""
    zh, found = lang == "zh", expected(at.ticket)
    if found is not None and found.basis != TARGET:
        yield f"预计 {moment(found.at)} 恢复" if zh else f"expected back {moment(found.at)}"
    if at.promise:
        yield f"SLA {_verdict(at.promise, lang)}"
    circuit = one_line(at.ticket.circuit, most=MOST_NAMED)
    if not any(circuit in said for said in happened):
        yield f"电路 {circuit}" if zh else f"circuit {circuit}"
