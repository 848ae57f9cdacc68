"""Callers who show a tracking link's token: `Authorization: Bearer vrt_…`. They may see one ticket.

A token is taken from this header alone: in a URL's path or query it would stand in logs and in `Referer`. A link to a
page carries it behind the `#`, which browsers send to nobody.
"""

from starlette.requests import Request

from services.notifier.tracking import store
from services.notifier.tracking.links import PREFIX, Link, LinkMint
from shared.auth.permissions import granted
from shared.auth.principal import Principal
from shared.clock import Clock
from shared.db.port import Database
from shared.errors import Unauthenticated


class DeadLink(Unauthenticated):
    title = "This link opens nothing"

    def __init__(self) -> None:
        super().__init__("This link shows nothing, or nothing any more. Ask whoever gave it to you for a new one.")


class Links:
    """The links that are in use, in memory: what an open stream asks every second must not be a query each.

    `refresh`, once a second, asks for all that were used since: what was revoked anywhere is known within two.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: dict[str, Link] = {}
        self._used: set[str] = set()

    async def find(self, id: str) -> Link | None:
        link = self._held.get(id) or await store.get(self._database, id)
        if link is not None:
            self._held[id] = link
            self._used.add(id)
        return link

    def forget(self, id: str) -> None:
        self._held.pop(id, None)

    async def refresh(self) -> None:
        """Raises Unavailable; then those that are known go on."""
        used, self._used = self._used, set()
        found = await store.these(self._database, used) if used else ()
        self._held = {link.id: link for link in found}


class ByLink:
    """Forged, revoked, expired: the answer is the same, for a stranger must not learn which."""

    def __init__(self, mint: LinkMint, links: Links, clock: Clock) -> None:
        self._mint = mint
        self._links = links
        self._clock = clock

    async def principal(self, request: Request) -> Principal | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token.startswith(PREFIX):
            return None
        id = self._mint.id_of(token)
        link = await self._links.find(id) if id else None
        if link is None or link.state(self._clock.now()) != "live":
            raise DeadLink()
        reads = frozenset({link.account})
        return Principal("link", link.ticket, granted("link", ()), reads, f"link:{link.id}")
