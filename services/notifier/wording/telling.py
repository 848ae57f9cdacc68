"""One event told to one reader: subject, what happened, what stands, what was written with it.

The subject is the same for every event of a ticket, so that mail programs keep them in one thread.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.notifier.wording import sayings
from services.notifier.wording.plain import one_line
from services.notifier.wording.situation import Situation
from services.notifier.wording.times import length, moment
from shared.clock import from_ms
from shared.contracts.vocabulary import STATUS, Lang
from shared.tickets import timing
from shared.tickets.expected import TARGET, expected

MOST_QUOTED = 500
MOST_NAMED = 80


@dataclass(frozen=True, slots=True)
class Telling:
    """`quotes` are words of others, one line each and harmless; `rows` are label and value of what stands now.

    `brief` are statements of a few words for where there is little room, the most important first.
    """

    lang: Lang
    ticket: str
    subject: str
    happened: str
    at: datetime
    quotes: Sequence[str]
    rows: Sequence[tuple[str, str]]
    brief: Sequence[str]

    def text(self) -> str:
        """As plain text, without a line that begins otherwise than we wrote it."""
        quoted = [f"  {quote_in(quote, self.lang)}" for quote in self.quotes]
        colon = "：" if self.lang == "zh" else ": "
        return "\n".join([self.happened, *quoted, "", *(f"{label}{colon}{value}" for label, value in self.rows), ""])


def telling(at: Situation, lang: Lang) -> Telling:
    happened = sayings.sentence(at, lang)
    return Telling(
        lang=lang, ticket=at.ticket.id, subject=_subject(at, lang), happened=happened, at=at.entry.at,
        quotes=list(sayings.quotations(at, most=MOST_QUOTED)), rows=list(_rows(at, lang)),
        brief=[happened, *_brief(at, lang)],
    )  # fmt: skip


def quote_in(text: str, lang: Lang) -> str:
    return f"「{text}」" if lang == "zh" else f"“{text}”"


def _subject(at: Situation, lang: Lang) -> str:
    circuit = one_line(at.ticket.circuit, most=MOST_NAMED)
    return f"[{at.ticket.id}] {f'电路 {circuit} 障碍' if lang == 'zh' else f'Fault on circuit {circuit}'}"


def _rows(at: Situation, lang: Lang) -> Iterator[tuple[str, str]]:
    zh, t = lang == "zh", at.ticket
    yield ("障碍单" if zh else "Ticket"), t.id
    yield ("电路" if zh else "Circuit"), one_line(t.circuit, most=MOST_NAMED)
    yield ("状态" if zh else "Status"), STATUS[t.status][0 if zh else 1]
    if working := "，".join(_working(at, lang)) if zh else ", ".join(_working(at, lang)):
        yield ("处理单位" if zh else "Working on it"), working
    if t.cause:
        yield ("原因" if zh else "Cause"), sayings.word(t.cause, lang)
    if expected := _expected(at):
        yield ("预计恢复" if zh else "Expected back"), expected
    if sla := _sla(at, lang):
        yield "SLA", sla
    yield ("时间" if zh else "Times"), ("均为北京时间" if zh else "Beijing time (UTC+8)")


def _working(at: Situation, lang: Lang) -> Iterator[str]:
    for order in at.ticket.live_orders:
        name = sayings.network(at, order.network, lang)
        if order.stage is None:
            yield name
        else:
            stage = sayings.word(order.stage, lang)
            yield f"{name}（{stage}）" if lang == "zh" else f"{name} ({stage})"


def _expected(at: Situation) -> str | None:
    """While the service is down, and where it is more than the promise."""
    found = expected(at.ticket)
    return None if found is None or found.basis == TARGET else moment(found.at)


def _sla(at: Situation, lang: Lang) -> str | None:
    """Where the clock stands; None where there is nothing to measure."""
    figures, target = at.figures, at.target_ms
    took = figures.time_to_repair
    if took is None:
        return None
    used = f"已用 {length(took, lang)}" if lang == "zh" else f"{length(took, lang)} used"
    if target is None:
        return used
    aim = f"目标 {length(target, lang)}" if lang == "zh" else f"target {length(target, lang)}"
    return f"{aim}，{used}，{_verdict(at, lang)}" if lang == "zh" else f"{aim}, {used}, {_verdict(at, lang)}"


def _verdict(at: Situation, lang: Lang) -> str:
    zh, figures = lang == "zh", at.figures
    match timing.verdict(figures, at.target_ms):
        case "met":
            return "达标" if zh else "met"
        case "breached":
            return "超时" if zh else "breached"
        case _:
            ends = timing.breach_at(figures, at.target_ms)
            if ends is None:
                return "计时停止" if zh else "clock stopped"
            return f"{moment(from_ms(ends))} 到时" if zh else f"due {moment(from_ms(ends))}"


def _brief(at: Situation, lang: Lang) -> Iterator[str]:
    zh = lang == "zh"
    if expected := _expected(at):
        yield f"预计 {expected} 恢复" if zh else f"expected back {expected}"
    if at.target_ms is not None and at.figures.time_to_repair is not None:
        yield f"SLA {_verdict(at, lang)}"
    circuit = one_line(at.ticket.circuit, most=MOST_NAMED)
    yield f"电路 {circuit}" if zh else f"circuit {circuit}"
    for quote in sayings.quotations(at, most=MOST_QUOTED):
        yield quote_in(quote, lang)
