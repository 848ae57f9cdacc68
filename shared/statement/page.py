"""A statement as one printable page: no scripts, nothing fetched, and whatever anybody wrote is text. Pure.

The page's own policy (`CONTENT_POLICY`) allows its one style and nothing else, wherever the file is opened.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any

from shared.contracts.reasons import in_chinese
from shared.contracts.vocabulary import Lang
from shared.statement import words as w
from shared.statement.markup import Inner, Markup, el
from shared.statement.style import STYLE
from shared.statement.timeline import timeline
from shared.statement.words import NOTHING

Json = dict[str, Any]
_STYLE_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
FREE = frozenset({"why", "text", "prevention", "remedy", "acknowledged", "fact", "hash", "disputes"})
"""Columns of free text, which may break anywhere; the others keep their words whole."""
PROMISED = ("accept_ms", "update_ms", "restore_ms", "report_ms")
CONTENT_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"


def page(statement: Json, lang: Lang) -> str:
    """`statement` is one that the center made."""
    told = _Page(statement, lang)
    title = f"{told.say('title')} {statement['ticket']}"
    head = el(
        "head", el("meta", charset="utf-8"), el("meta", http_equiv="Content-Security-Policy", content=CONTENT_POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="referrer", content="no-referrer"), el("title", title), el("style", Markup(STYLE)),
    )  # fmt: skip
    return "<!doctype html>\n" + el("html", head, el("body", el("main", *told.sections())), lang=_html_lang(lang))


def _html_lang(lang: Lang) -> str:
    return "zh-CN" if lang == "zh" else "en"


class _Page:
    """One statement in one language, section by section."""

    def __init__(self, statement: Json, lang: Lang) -> None:
        self.s = statement
        self.lang: Lang = lang

    def say(self, name: str, *what: str) -> str:
        return w.label(name, self.lang).format(*what)

    def sections(self) -> Iterator[Markup]:
        yield self._heading()
        yield self._summary()
        yield timeline(self.s["intervals"], self._state)
        yield self._targets()
        yield self._intervals()
        yield self._section("suspensions", self._suspensions())
        yield self._orders()
        yield self._stages()
        yield self._section("restorations", self._restorations())
        yield self._section("fault_reports", self._fault_reports())
        yield self._section("timeouts", self._timeouts())
        yield self._section("escalations", self._escalations())
        yield self._section("terms", self._terms())
        yield self._section("entries", self._entries(), class_="log")
        yield self._proof()

    # What every table is made of.

    def _section(self, name: str, rows: Sequence[Sequence[tuple[str, Inner]]], **attributes: str) -> Markup:
        """Rows of (label, cell); a section of nothing is left out."""
        if not rows:
            return Markup("")
        head = el("tr", (el("th", self.say(label), scope="col") for label, _ in rows[0]))
        body = (el("tr", (_cell(label, self.say(label), cell) for label, cell in row)) for row in rows)
        table = el("table", el("thead", head), el("tbody", body))
        return el("section", el("h2", self.say(name)), table, **attributes)

    def _pairs(self, pairs: Iterable[tuple[str, Inner]]) -> Markup:
        return el("dl", (el("div", el("dt", label), el("dd", value)) for label, value in pairs))

    def _length(self, ms: int | None) -> Markup:
        return el("span", w.length(ms, self.lang), class_="n")

    def _moment(self, instant: str | None) -> Markup:
        return el("span", w.moment(instant), class_="n")

    def _word(self, code: str | None) -> str:
        return w.word(code, self.lang)

    def _reason(self, reason: str | None) -> str:
        """What the center says by itself it says in the reader's language; what people wrote stays as it is."""
        return in_chinese(reason) if reason and self.lang == "zh" else reason or NOTHING

    def _network(self, code: str | None) -> str:
        if code is None:
            return NOTHING
        name = self.s["names"]["networks"].get(code)
        return f"{code} {name[self.lang]}" if name else code

    def _state(self, interval: Json) -> str:
        if interval["struck_out"]:
            return self.say("struck")
        state = interval["state"]
        return self.say(f"{state}_state" if state in ("held", "pending") else state)

    def _verdict(self, verdict: str | None) -> Markup:
        if verdict is None:
            return el("span", NOTHING)
        return el("b", self.say("running_target" if verdict == "running" else verdict), class_=verdict)

    def _who(self, told: Json) -> list[tuple[str, Inner]]:
        return [("author", told["author"]), ("entry", told["seq"])]

    # What it says.

    def _heading(self) -> Markup:
        account = self.s["names"]["account"]
        name = f"{account[self.lang]} ({self.s['account']})" if account else self.s["account"]
        pairs = [
            (self.say("ticket"), self.s["ticket"]), (self.say("account"), name),
            (self.say("circuit"), self.s["circuit"]), (self.say("tier"), self.s["tier"] or NOTHING),
            (self.say("impact"), self._word(self.s["impact"])),
            (self.say("status"), w.status(self.s["status"], self.lang)),
            (self.say("as_of"), self._moment(self.s["as_of"])),
        ]  # fmt: skip
        return el("header", el("h1", self.say("title")), self._pairs(pairs), el("p", self.say("times"), class_="note"))

    def _summary(self) -> Markup:
        f = self.s["figures"]
        took = self._length(f["time_to_repair_ms"])
        unfinished = [] if f["is_final"] or f["time_to_repair_ms"] is None else [" ", el("i", self.say("so_far"))]
        promised = self.s["targets"].get("restore")
        big = el("p", took, unfinished, " ", self._verdict(promised["verdict"]) if promised else None, class_="big")
        pairs = [
            (self.say("reported_at"), self._moment(f["reported_at"])),
            (self.say("restored_at"), self._moment(f["restored_at"])),
            (self.say("response"), self._length(f["response_ms"])),
            (self.say("last_heard_at"), self._moment(f["last_heard_at"])),
            *self._waits("pending"), *self._waits("held"),
        ]  # fmt: skip
        return el("section", el("h2", self.say("time_to_repair")), big, self._pairs(pairs), class_="summary")

    def _waits(self, clock: str) -> Iterator[tuple[str, Inner]]:
        for reason, ms in self.s["figures"][f"{clock}_ms"].items():
            yield f"{self.say(clock)}: {self._word(reason)}", self._length(ms)

    def _targets(self) -> Markup:
        named = [(name, target) for name, target in self.s["targets"].items()]
        named += [(f"restore_{name}", goal) for name, goal in self.s["goals"].items()]
        rows = [
            [
                ("what", self.say(name)), ("target", w.target(t["target_ms"], self.lang)),
                ("used", self._length(t["used_ms"])),
                ("verdict", self._verdict(t["verdict"])), ("due_at", self._moment(t.get("due_at"))),
            ]
            for name, t in named
        ]  # fmt: skip
        return self._section("targets", rows)

    def _intervals(self) -> Markup:
        rows = [
            [
                ("from", self._moment(i["start"])), ("to", self._moment(i["end"])),
                ("length", self._length(i["length_ms"])),
                ("state", el("span", self._state(i), class_=f"s {_colour(i)}")),
                ("counts", self.say("yes" if i["counts"] else "no")), ("why", self._why(i)), *self._who(i),
            ]
            for i in self.s["intervals"]
        ]  # fmt: skip
        return self._section("intervals", rows)

    def _why(self, told: Json) -> Inner:
        if told["reason"] is None:
            return NOTHING
        said = [self._word(told["reason"]), told["evidence"], self._network(told["network"])]
        return "\n".join(part for part in said if part)

    def _suspensions(self) -> list[list[tuple[str, Inner]]]:
        return [
            [
                ("from", self._moment(s["occurred_at"] or s["at"])), ("length", self._length(s["length_ms"])),
                ("state", self.say(f"{s['clock']}_state")), ("why", self._why(s)), *self._who(s),
                ("disputes", [self._dispute(d) for d in s["disputes"]] or self.say("stands")),
            ]
            for s in self.s["suspensions"]
        ]  # fmt: skip

    def _dispute(self, told: Json) -> Markup:
        said = f"{self.say(told['what'])} {w.moment(told['at'])}, {told['author']} ({told['seq']}): {told['reason']}"
        return el("p", said)

    def _orders(self) -> Markup:
        rows: list[list[tuple[str, Inner]]] = [
            [
                ("network", self._network(o["network"])), ("from", self._moment(o["start"])),
                ("accepted_at", self._moment(o["accepted_at"])), ("to", self._moment(o["end"])),
                ("ended_by", self.say(o["ended_by"]) if o["ended_by"] else NOTHING),
                ("share", self._length(o["counted_ms"])),
            ]
            for o in self.s["orders"]
        ]  # fmt: skip
        for code, ms in self.s["shares"].items():
            total = el("b", self.say("total", self._network(code)))
            blank = [(name, None) for name in ("from", "accepted_at", "to", "ended_by")]
            rows.append([("network", total), *blank, ("share", el("b", self._length(ms)))])
        return self._section("networks", rows)

    def _stages(self) -> Markup:
        stages = ((self.say(name), self._length(ms)) for name, ms in self.s["figures"]["stages_ms"].items())
        return el("section", el("h2", self.say("stages")), self._pairs(stages))

    def _restorations(self) -> list[list[tuple[str, Inner]]]:
        return [
            [
                ("restored_at", self._moment(r["restored_at"])), ("network", self._network(r["network"])),
                ("cause", self._word(r["cause"])), ("remedy", self._remedy(r)),
                *self._who(r),
            ]
            for r in self.s["restorations"]
        ]  # fmt: skip

    def _remedy(self, told: Json) -> str:
        code = told["remedy_code"]
        said = [code and w.word(code, self.lang, field="remedy_code"), told["remedy"]]
        return "\n".join(part for part in said if part) or NOTHING

    def _fault_reports(self) -> list[list[tuple[str, Inner]]]:
        return [
            [
                ("at", self._moment(r["at"])), ("cause", self._word(r["cause"])),
                ("remedy", w.word(r["remedy_code"], self.lang, field="remedy_code")), ("text", r["text"]),
                ("prevention", r["prevention"] or NOTHING), *self._who(r),
            ]
            for r in self.s["fault_reports"]
        ]  # fmt: skip

    def _timeouts(self) -> list[list[tuple[str, Inner]]]:
        return [
            [
                ("at", self._moment(t["at"])), ("deadline", self._word(t["kind"])),
                ("network", self._network(t["network"])), ("percent", f"{t['percent']} %"),
                ("due_at", self._moment(t["due_at"])), ("entry", t["seq"]),
            ]
            for t in self.s["timeouts"]
        ]  # fmt: skip

    def _escalations(self) -> list[list[tuple[str, Inner]]]:
        return [
            [
                ("at", self._moment(e["at"])), ("level", self._word(e["level"])), ("cause", self._word(e["cause"])),
                ("why", self._reason(e["reason"])),
                ("acknowledged", [self._heard(a) for a in e["acknowledged"]] or NOTHING), *self._who(e),
            ]
            for e in self.s["escalations"]
        ]  # fmt: skip

    def _heard(self, told: Json) -> Markup:
        return el("p", f"{w.moment(told['at'])}, {told['author']}", f": {told['note']}" if told["note"] else None)

    def _terms(self) -> list[list[tuple[str, Inner]]]:
        return [
            [
                ("since", self._moment(t["at"])), ("policy", f"{t['terms']['policy']} {t['terms']['rule']}"),
                *[(name, w.target(t["terms"][name], self.lang)) for name in PROMISED],
                ("hours", t["terms"]["calendar"] or self.say("round_the_clock")), ("why", self._reason(t["reason"])),
                *self._who(t),
            ]
            for t in self.s["terms"]
            if t["terms"] is not None
        ]  # fmt: skip

    def _entries(self) -> list[list[tuple[str, Inner]]]:
        return [
            [
                ("entry", e["seq"]), ("at", self._moment(e["at"])), ("author", e["actor"]),
                ("fact", [el("b", e["type"]), el("br"), el("code", e["data"])]), ("hash", el("code", e["hash"])),
            ]
            for e in self.s["entries"]
        ]  # fmt: skip

    def _proof(self) -> Markup:
        pairs = [
            (self.say("head"), el("code", self.s["entries"][-1]["hash"])),
            (self.say("key"), el("code", self.s["key"])), (self.say("signature"), el("code", self.s["signature"])),
        ]  # fmt: skip
        return el("footer", el("h2", self.say("proof")), el("p", self.say("how")), self._pairs(pairs))


def _cell(name: str, label: str, inside: Inner) -> Markup:
    """It bears its label: a telephone has no room for columns."""
    return el("td", inside, data_label=label, class_="t") if name in FREE else el("td", inside, data_label=label)


def _colour(interval: Json) -> str:
    return "struck" if interval["struck_out"] else str(interval["state"])
