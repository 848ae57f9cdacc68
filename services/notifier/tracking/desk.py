"""Tracking links are made and revoked by whoever may change the ticket. Both are audited; the token is told once."""

from collections.abc import Sequence
from datetime import datetime

from services.notifier.tracking import store
from services.notifier.tracking.door import Links
from services.notifier.tracking.links import LASTS, LASTS_AT_MOST, MOST_LIVE, Link, new_link_id
from shared.audit.trail import Act, record
from shared.auth.principal import Principal
from shared.auth.reading import reader_for
from shared.clock import Clock, rfc3339
from shared.contracts.facts import Contact
from shared.db.port import Database, Tx
from shared.errors import FieldError, Forbidden, IllegalMove, InvalidInput, NotFound
from shared.ids import AccountId, TicketId
from shared.tickets import store as tickets


class LinkDesk:
    def __init__(self, database: Database, links: Links, clock: Clock) -> None:
        self._database = database
        self._links = links
        self._clock = clock

    async def make(
        self, by: Principal, ticket: TicketId, *, label: str, contact: Contact, expires_at: datetime | None
    ) -> Link:
        """Raises NotFound, Forbidden, InvalidInput, or IllegalMove when the ticket has as many as it may have."""
        now = self._clock.now()
        account = await self._whose(by, ticket)
        ends = now + LASTS if expires_at is None else expires_at
        if not now < ends <= now + LASTS_AT_MOST:
            raise InvalidInput(FieldError("expires_at", f"must lie within the next {LASTS_AT_MOST.days} days"))
        link = Link(new_link_id(), ticket, account, label, contact, by.actor, now, ends)

        async def add(tx: Tx) -> None:
            await store.lock(tx, ticket)
            if await store.count_live(tx, ticket, now) >= MOST_LIVE:
                raise IllegalMove(f"A ticket has at most {MOST_LIVE} live links; revoke one first.", legal=("revoke",))
            await store.add(tx, link)
            details = {"ticket": ticket, "expires_at": rfc3339(ends)}
            await record(tx, Act(now, by.actor, "link.made", f"link:{link.id}", details, by.origin))

        await self._database.transact(add)
        return link

    async def list(
        self, by: Principal, ticket: TicketId, *, before: tuple[int, str] | None, most: int
    ) -> Sequence[Link]:
        """Newest first. Raises NotFound or Forbidden."""
        await self._whose(by, ticket)
        return await store.newest(reader_for(by, self._database), ticket, before=before, most=most)

    async def revoke(self, by: Principal, id: str) -> None:
        """It shows nothing any more: here at once, in every process within seconds; open streams end.

        Raises NotFound or Forbidden.
        """
        link = await store.get(reader_for(by, self._database), id)
        if link is None:
            raise NotFound()
        await self._whose(by, link.ticket)
        now = self._clock.now()

        async def end(tx: Tx) -> None:
            if await store.revoke(tx, id, now):
                details = {"ticket": link.ticket}
                await record(tx, Act(now, by.actor, "link.revoked", f"link:{id}", details, by.origin))

        await self._database.transact(end)
        self._links.forget(id)

    async def _whose(self, by: Principal, ticket: TicketId) -> AccountId:
        """The account whose ticket it is. Raises NotFound, or Forbidden when he may read it only."""
        found = await tickets.get(reader_for(by, self._database), ticket)
        if found is None or not by.may_read(found.account):
            raise NotFound()
        if not by.owns(found.account):
            raise Forbidden(
                f"This ticket is {found.account}'s: your key may read it, only that account's may give links."
            )
        return found.account
