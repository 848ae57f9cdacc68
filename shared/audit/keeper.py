"""Keeps the audit trail: seals its end within a second of an act, and anchors all chains once a day.

The keeper follows the chain from where it last looked and seals only what follows: an end that went back, or a row
that was written anew behind it, is said at once, and nothing is sealed over it. Several keepers do each other no harm.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta

from shared.audit import store
from shared.audit.anchors import Anchor, HeadsDigest, NoAnchor, signed
from shared.audit.chain import Finding, Walk
from shared.audit.signing import Signer
from shared.audit.trail import APPENDED, Act, lock_head, record
from shared.bus.wake import Wake
from shared.clock import Clock, to_ms
from shared.db.port import Database, Tx
from shared.db.statement import Row
from shared.metrics import Metrics

log = logging.getLogger(__name__)
ANCHOR_EVERY = timedelta(days=1)
ACTOR = "system:audit"


class Keeper:
    def __init__(self, database: Database, clock: Clock, signer: Signer, metrics: Metrics) -> None:
        self._database = database
        self._clock = clock
        self._signer = signer
        self._walk: Walk | None = None
        self.wake = Wake()
        self._acts = metrics.gauge("vrc_audit_acts", "Acts in the audit trail that were followed and sealed.")
        self._broken = metrics.gauge("vrc_audit_broken", "1 when the audit trail was seen to be tampered with.")
        self.finding: Finding | None = None
        database.listen(APPENDED, self.wake.set)

    async def look(self) -> None:
        """What is to be done now. Raises Unavailable."""
        try:
            await self.seal()
            await self.anchor_due_chains()
        except NoAnchor as error:
            self._alarm(Finding("anchors", 0, "edited", str(error)))

    async def seal(self) -> None:
        """Follow the chain to its end and seal that; `finding` says when it could not be followed."""
        ends = await store.ends(self._database)
        if self.finding is not None:
            return
        walk = self._walk = self._walk or await self._from_seal(ends)
        if not self.finding and ends.position < walk.place:
            self._alarm(Finding("audit", ends.position + 1, "cut", f"it was {walk.place} acts long a moment ago"))
        while not self.finding and walk.place < ends.position:
            self._follow(walk, await store.acts(self._database, after=walk.place, until=ends.position))
        self._compare(walk, ends.hash)
        if self.finding is None and walk.place > ends.sealed_position:
            await self._database.transact(lambda tx: self._put_seal(tx, walk))
        self._acts.set(walk.place)

    async def anchor_due_chains(self) -> Anchor | None:
        """The anchor that was due, made; None when there was none. What a downtime left out is in the next one."""
        if self.finding is not None:
            return None
        last = await store.last_anchor(self._database)
        if last is not None and self._clock.now() < last.at + ANCHOR_EVERY:
            return None
        return await self._anchor_after(last)

    async def anchor(self) -> Anchor | None:
        """None when another process made this one, or when there is a finding: what was rewritten is not signed."""
        return await self._anchor_after(await store.last_anchor(self._database))

    async def _anchor_after(self, last: Anchor | None) -> Anchor | None:
        await self.seal()
        if self.finding is not None:
            return None
        number = last.number + 1 if last else 1
        after = ""
        while page := await self._database.fetch(store.TICKET_ENDS, patience_s=60, after=after, most=store.PAGE):
            after = page[-1]["ticket"]
            known = await self._database.fetch(store.ANCHORED, patience_s=60, ids=[row["ticket"] for row in page])
            before = {row["ticket"]: row["seq"] for row in known}
            grown = [
                (r["ticket"], number, r["seq"], bytes(r["hash"])) for r in page if r["seq"] > before.get(r["ticket"], 0)
            ]
            if grown and not await self._put_heads(number, grown):
                return None
        anchor = await self._database.transact(lambda tx: self._sign(tx, number))
        if anchor is not None:
            log.info("audit anchor: %s", anchor.line)
        return anchor

    async def _put_heads(self, number: int, rows: Sequence[tuple[str, int, int, bytes]]) -> bool:
        """False when this anchor was signed meanwhile: what it covers is fixed."""

        async def put(tx: Tx) -> bool:
            await lock_head(tx)
            last = await store.last_anchor(tx)
            if (last.number if last else 0) != number - 1:
                return False
            await tx.insert(store.PUT_HEADS, rows)
            return True

        return await self._database.transact(put)

    async def _sign(self, tx: Tx, number: int) -> Anchor | None:
        """Nobody can record meanwhile, so what is signed is what was followed to its end, and sealed with it."""
        walk, (position, head) = self._walk or Walk("audit"), await lock_head(tx)
        last = await store.last_anchor(tx)
        while not self.finding and walk.place < position:
            self._follow(walk, await tx.fetch(store.ACTS, after=walk.place, until=position, most=store.PAGE))
        self._compare(walk, head)
        if self.finding is not None or (last.number if last else 0) != number - 1:
            return None
        await self._put_seal(tx, walk)
        heads, after = HeadsDigest(), ""
        while page := await tx.fetch(store.HEADS_OF, anchor=number, after=after, most=store.PAGE):
            for row in page:
                heads.add(row["ticket"], row["seq"], bytes(row["hash"]))
            after = page[-1]["ticket"]
        now = self._clock.now()
        anchor = signed(self._signer, last, at=now, position=position, head=head, heads=heads)
        await tx.insert(store.PUT_ANCHOR, [(number, to_ms(now), anchor.line)])
        await record(tx, Act(now, ACTOR, "anchor.made", f"anchor:{number}", {"line": anchor.line_digest}))
        return anchor

    async def _from_seal(self, ends: store.Ends) -> Walk:
        """Begin behind what was sealed before this process started, if that is still what was sealed."""
        if not ends.sealed_position:
            return Walk("audit")
        rows = await store.acts(self._database, after=ends.sealed_position - 1, until=ends.sealed_position)
        hash = bytes(rows[0]["hash"]) if rows else b""
        if ends.seal != self._signer.seal(ends.sealed_position, hash):
            self._alarm(Finding("audit", ends.sealed_position, "edited", "its seal is not the one this center makes"))
        return Walk("audit", place=ends.sealed_position, last=hash)

    def _follow(self, walk: Walk, rows: Sequence[Row]) -> None:
        """`rows` are the next ones, of which the head says that there are some."""
        links = [store.act_link(row) for row in rows]
        if not links:
            self._alarm(Finding("audit", walk.place + 1, "cut", "the head of the chain goes further"))
        for number, link in enumerate(links, 1):
            if finding := walk.offer(link, links[number:]):
                return self._alarm(finding)

    def _compare(self, walk: Walk, head: bytes) -> None:
        if self.finding is None and walk.last != head:
            self._alarm(Finding("audit", walk.place, "edited", "the head of the chain has another hash"))

    async def _put_seal(self, tx: Tx, walk: Walk) -> None:
        await tx.fetch(store.SEAL, upto=walk.place, mark=self._signer.seal(walk.place, walk.last))

    def _alarm(self, finding: Finding) -> None:
        self.finding = finding
        self._broken.set(1)
        log.error("the audit trail was tampered with: %s; run vrc audit verify", finding)
