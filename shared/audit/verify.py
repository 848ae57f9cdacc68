"""Whether the record is what was recorded: the audit trail's chain, every ticket's, and the anchors over both.

Reader in pages, beside a center at work: each page is one snapshot, and what a page says of an end (the trail's head, a
ticket's) is compared with the rows of the same page, so that writers are never taken for tampering.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from shared.audit import anchors as a
from shared.audit import store
from shared.audit.anchors import Anchor, HeadsDigest
from shared.audit.chain import Finding, Walk
from shared.audit.signing import Signer
from shared.audit.store import PAGE, PATIENCE_S
from shared.clock import rfc3339
from shared.db.port import Reader
from shared.db.statement import Row
from shared.ids import TicketId
from shared.tickets import store as tickets
from shared.tickets.log import GENESIS

MOST_FINDINGS = 100
Progress = Callable[[str, int, int], None]  # what is read, how many rows of it so far, how many there are


@dataclass(frozen=True, slots=True)
class Keys:
    """`signer` makes and checks seals and is only where the center's secret is; `public_keys` check anchors."""

    public_keys: tuple[str, ...] = ()
    signer: Signer | None = None

    @property
    def of_anchors(self) -> tuple[str, ...]:
        return self.public_keys or ((self.signer.public_key,) if self.signer else ())


@dataclass(frozen=True, slots=True)
class Span:
    """Acts of, and tickets at work in, this half-open time; in ms since 1970."""

    since: int = 0
    until: int = 2**62

    @property
    def is_everything(self) -> bool:
        return self == Span()


@dataclass(slots=True)
class Report:
    """`notes` say what could not be checked, and why."""

    acts: int = 0
    tickets: int = 0
    entries: int = 0
    anchors: int = 0
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def verify(
    database: Reader,
    keys: Keys,
    *,
    kept: Sequence[str] | None = None,
    span: Span | None = None,
    progress: Progress = lambda what, done, all: None,
) -> Report:
    """`kept` are anchors' lines that were kept elsewhere. At most 100 findings. Raises NoAnchor, Unavailable."""
    work = _Verification(database, keys, span or Span(), progress)
    await work.anchors(kept)
    await work.trail()
    await work.tickets()
    if work.span.is_everything:
        await work.heads()
    return work.report


class _Verification:
    def __init__(self, database: Reader, keys: Keys, span: Span, progress: Progress) -> None:
        self.span = span
        self.report = Report()
        self._database = database
        self._keys = keys
        self._progress = progress
        self._trusted: dict[int, Anchor] = {}
        self._broken: set[str] = set()

    async def anchors(self, kept: Sequence[str] | None) -> None:
        rows = await store.anchors(self._database)
        self.report.anchors = len(rows)
        for row in rows:
            self._found(row if isinstance(row, Finding) else None)
        found = [row for row in rows if isinstance(row, Anchor)]
        if not (keys := self._keys.of_anchors):
            self.report.notes.append("signatures were not checked: there is no public key")
        else:
            self._found(a.first_wrong(found, public_keys=keys))
        if kept is None:
            self.report.notes.append("anchors were not compared with any kept elsewhere (--anchors)")
        else:
            self._found(a.first_unlike(found, kept))
        for anchor in (*found, *map(a.read_line, kept or ())):
            if not keys or a.is_genuine(anchor, keys):
                self._trusted[anchor.number] = anchor
        if not self._trusted:
            self.report.notes.append("nothing is anchored yet: what was written anew from some place on can't be told")

    async def trail(self) -> None:
        ends = await store.ends(self._database)
        walk, upto = await self._begin(ends.position)
        first = walk.place
        while walk.place < upto and not self._is_broken("audit"):
            rows = await store.acts(self._database, after=walk.place, until=upto)
            if not rows:
                break
            self._follow(walk, rows, ends)
            self._progress("acts", walk.place - first, upto - first)
        self.report.acts = walk.place - first
        if not self._is_broken("audit") and upto == ends.position:
            self._check_end(walk, ends)

    async def tickets(self) -> None:
        (row,) = await self._database.fetch(store.COUNT_ENTRIES, patience_s=PATIENCE_S)
        log, total = _Log(""), row["n"]
        while page := await self._entries(log):
            for number, row in enumerate(page):
                if row["ticket"] != log.walk.chain:
                    await self._end(log)
                    log = _Log(row["ticket"])
                self._offer(log, page, number)
            self.report.entries += len(page)
            self._progress("entries", self.report.entries, max(total, self.report.entries))
        await self._end(log)
        if self.span.is_everything:
            for row in await self._database.fetch(store.WITHOUT_LOG, patience_s=PATIENCE_S, most=MOST_FINDINGS):
                self._found(Finding(row["id"], 1, "deleted", "the ticket is there, and nothing of its log"))

    async def heads(self) -> None:
        """The tickets' logs against the heads that were anchored, and these against the anchors' digests."""
        digests = {number: HeadsDigest() for number in self._trusted}
        at: tuple[int, str] = (0, "")
        while page := await self._database.fetch(
            store.HEADS_AND_ENTRIES, patience_s=PATIENCE_S, anchor=at[0], after=at[1], most=PAGE
        ):
            for row in page:
                self._check_head(row)
                if row["anchor"] in digests:
                    digests[row["anchor"]].add(row["ticket"], row["seq"], bytes(row["hash"]))
            at = page[-1]["anchor"], page[-1]["ticket"]
        for number, digest in sorted(digests.items()):
            if digest.hex != self._trusted[number].digest:
                self._found(
                    Finding("anchors", number, "edited", "the heads it covers are not those it was signed over")
                )

    def _found(self, finding: Finding | None) -> None:
        if finding is not None:
            self._broken.add(finding.chain)
            if len(self.report.findings) < MOST_FINDINGS:
                self.report.findings.append(finding)

    def _is_broken(self, chain: str) -> bool:
        return chain in self._broken

    async def _begin(self, end: int) -> tuple[Walk, int]:
        """Where to begin, and up to which position."""
        if self.span.is_everything:
            return Walk("audit"), end
        span = self.span
        (row,) = await self._database.fetch(store.BETWEEN, patience_s=PATIENCE_S, since=span.since, until=span.until)
        first, last = row["first"] or end + 1, row["last"] or end
        if first == 1:
            return Walk("audit"), last
        before = await store.acts(self._database, after=first - 2, until=first - 1)
        return Walk("audit", place=first - 1, last=bytes(before[0]["hash"]) if before else GENESIS), last

    def _follow(self, walk: Walk, rows: Sequence[Row], ends: store.Ends) -> None:
        links = [store.act_link(row) for row in rows]
        anchored = {anchor.position: anchor for anchor in self._trusted.values()}
        signer = self._keys.signer
        for number, link in enumerate(links, 1):
            if finding := walk.offer(link, links[number:]):
                return self._found(finding)
            if (anchor := anchored.get(walk.place)) and anchor.head != walk.last:
                why = f"up to here it was hashed anew: anchor {anchor.number} of {rfc3339(anchor.at)} says otherwise"
                return self._found(Finding("audit", walk.place, "edited", why))
            if signer and walk.place == ends.sealed_position and signer.seal(walk.place, walk.last) != ends.seal:
                return self._found(
                    Finding("audit", walk.place, "edited", "up to here it was hashed anew: the seal breaks")
                )

    def _check_end(self, walk: Walk, ends: store.Ends) -> None:
        longest = max((anchor.position for anchor in self._trusted.values()), default=0)
        if not ends.position and ends.last:
            self._found(Finding("audit", 1, "deleted", "the head of the chain is gone, or was set to its beginning"))
        elif walk.place < max(ends.position, ends.sealed_position, longest):
            self._found(Finding("audit", walk.place + 1, "cut", "its head, its seal or an anchor goes further"))
        elif ends.last > ends.position:
            self._found(Finding("audit", ends.position + 1, "inserted", "it is behind the head of the chain"))
        elif walk.last != ends.hash:
            self._found(Finding("audit", walk.place, "edited", "the head of the chain has another hash"))
        elif ends.sealed_position < longest:
            self._found(Finding("audit", walk.place, "edited", "the seal was taken away or set back"))
        elif self._keys.signer is None:
            self.report.notes.append("the seal was not checked: the center's secret is not here")
        elif ends.sealed_position < ends.position:
            count = ends.position - ends.sealed_position
            self.report.notes.append(f"the last {count} acts are not sealed yet; a running center does it in a second")

    async def _entries(self, log: "_Log") -> Sequence[Row]:
        after = {"ticket": log.walk.chain, "seq": log.seq, "most": PAGE}
        if self.span.is_everything:
            return await self._database.fetch(store.ENTRIES, patience_s=PATIENCE_S, **after)
        span = {"since": self.span.since, "until": self.span.until}
        return await self._database.fetch(store.ENTRIES_BETWEEN, patience_s=PATIENCE_S, **after, **span)

    def _offer(self, log: "_Log", page: Sequence[Row], number: int) -> None:
        row = page[number]
        log.seq, log.head = row["seq"], None if row["head"] is None else bytes(row["head"])
        if self._is_broken(row["ticket"]):
            return
        link = store.entry_link(row)
        if link.place == log.walk.place + 1 and link.follows(log.walk.last, link.place):
            log.walk.offer(link, ())
            return
        rest = [store.entry_link(r) for r in page[number + 1 :] if r["ticket"] == row["ticket"]]
        self._found(log.walk.offer(link, rest))

    async def _end(self, log: "_Log") -> None:
        """The state of a ticket says how its log ends; it was read in the same page as the log's last row."""
        walk = log.walk
        if not walk.chain:
            return
        self.report.tickets += 1
        if self._is_broken(walk.chain) or walk.last == log.head:
            return
        ticket = await tickets.get(self._database, TicketId(walk.chain))
        if ticket is None:
            self._found(Finding(walk.chain, 1, "deleted", "the log is there, and not its ticket"))
        elif ticket.seq > walk.place:
            self._found(Finding(walk.chain, walk.place + 1, "cut", f"its ticket has had {ticket.seq} entries"))
        elif ticket.seq < walk.place:
            self._found(Finding(walk.chain, ticket.seq + 1, "inserted", f"its ticket has had {ticket.seq} entries"))
        else:
            self._found(Finding(walk.chain, walk.place, "edited", "its ticket ends with another hash"))

    def _check_head(self, row: Row) -> None:
        if self._is_broken(row["ticket"]) or row["now"] == row["hash"]:
            return
        if row["now"] is None:
            self._found(Finding(row["ticket"], row["seq"], "cut", f"anchor {row['anchor']} knows this entry"))
        else:
            why = f"up to here it was hashed anew: anchor {row['anchor']} says otherwise"
            self._found(Finding(row["ticket"], row["seq"], "edited", why))


class _Log:
    """A ticket's log as it is walked: how far it was read, and the head that the last row came with."""

    def __init__(self, ticket: str) -> None:
        self.walk = Walk(ticket)
        self.seq = 0
        self.head: bytes | None = None
