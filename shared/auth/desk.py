"""Keys are issued, followed by a successor, and revoked: the same rules for the command line and over HTTP.

A subject has two live keys at most, so that one can replace the other without a gap and none is forgotten.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.audit.shell import AtShell, at_shell
from shared.audit.trail import Act, record
from shared.auth import store
from shared.auth.keyring import Keyring
from shared.auth.keys import LONGEST_SUBJECT, SUBJECT_PATTERN, IssuedKey, Key, KeyTerms, Mint
from shared.auth.permissions import grants_of
from shared.auth.principal import Principal
from shared.clock import Clock, rfc3339
from shared.contracts.text import refused_character
from shared.db.port import Database, Tx
from shared.errors import FieldError, Forbidden, IllegalMove, InvalidInput, NotFound
from shared.origin import Origin
from shared.registry.shelves import Kind
from shared.registry.writing import Author

MOST_LIVE = 2
GRANTS_FIELD = {"account": "scopes", "operator": "duties", "network": "scopes"}


class KeyDesk:
    """`by` is who asks over HTTP; None: whoever may run commands on the database itself. All of it is audited.

    `keyring` is the one of this process, if it has a door: it knows what was done before the answer is given.
    """

    def __init__(self, database: Database, mint: Mint, clock: Clock, keyring: Keyring | None = None) -> None:
        self._database = database
        self._mint = mint
        self._clock = clock
        self._keyring = keyring

    async def issue(self, terms: KeyTerms, *, by: Principal | None = None) -> IssuedKey:
        """Raises InvalidInput, or IllegalMove when the subject has two live keys."""
        now = self._clock.now()
        _check(terms, now)

        async def add(tx: Tx) -> IssuedKey:
            if not await store.exists(tx, terms.role, terms.subject):
                raise InvalidInput(FieldError("subject", f"is not the id of {_A[terms.role]} in the registry"))
            issued = await self._add(tx, terms, now)
            await record(tx, issuing(issued.record, by or at_shell()))
            return issued

        return await self._added(add)

    async def rotate(self, id: str, *, by: Principal | None = None, expires_at: datetime | None = None) -> IssuedKey:
        """A successor on the same terms; both work until the first is revoked or expires.

        Raises InvalidInput, NotFound, Forbidden, or IllegalMove when the subject has two live keys already.
        """
        now = self._clock.now()

        async def add(tx: Tx) -> IssuedKey:
            before = await self._found(tx, id, by)
            if before.state(now) == "revoked":
                raise IllegalMove("This key is revoked; issue a new one.", legal=())
            if by is not None and by.role == "account":
                await _require_no_more(tx, before, by, now, expires_at=expires_at)
            terms = before.successor(now)
            if expires_at is not None:
                terms = replace(terms, expires_at=expires_at)
                _check(terms, now)
            issued = await self._add(tx, terms, now)
            who = by or at_shell()
            details = {**_whose(issued.record), "instead_of": id}
            await record(tx, Act(now, who.actor, "key.rotated", f"key:{issued.record.id}", details, who.origin))
            return issued

        return await self._added(add)

    async def revoke(self, id: str, *, by: Principal | None = None) -> None:
        """It opens nothing any more, in every process within seconds. Raises NotFound or Forbidden."""
        now = self._clock.now()

        async def end(tx: Tx) -> None:
            key = await self._found(tx, id, by)
            if not await store.revoke(tx, id, now):
                raise NotFound()
            who = by or at_shell()
            await record(tx, _revoking(key, now, who.actor, who.origin))

        await self._database.transact(end)
        if self._keyring is not None:
            await self._keyring.let_go(id)

    async def _added(self, add: Callable[[Tx], Awaitable[IssuedKey]]) -> IssuedKey:
        issued = await self._database.transact(add)
        if self._keyring is not None:
            await self._keyring.hold(issued.record)
        return issued

    async def _add(self, tx: Tx, terms: KeyTerms, now: datetime) -> IssuedKey:
        await store.lock(tx, terms.role, terms.subject)
        live = await store.live(tx, terms.role, terms.subject, now)
        if len(live) >= MOST_LIVE:
            ids = " or ".join(key.id for key in live)
            detail = f"{terms.role} {terms.subject} has {MOST_LIVE} live keys; revoke {ids} first."
            raise IllegalMove(detail, legal=[f"DELETE /v1/keys/{key.id}" for key in live])
        issued = self._mint.issue(terms, now)
        await store.save(tx, [issued.record])
        return issued

    async def _found(self, tx: Tx, id: str, by: Principal | None) -> Key:
        """An account's own keys only, and none that may do more than the key it is asked with."""
        key = await store.get(tx, id)
        if key is None:
            raise NotFound()
        if by is None or by.role == "operator":
            return key
        if (key.terms.role, key.terms.subject) != (by.role, by.subject):
            raise NotFound()
        if not key.terms.permissions <= by.permissions:
            raise Forbidden("This key has scopes that yours has not; use that key itself, or ask an administrator.")
        return key


async def end_keys_of(tx: Tx, kind: Kind, ids: Sequence[str], *, by: Author) -> None:
    """Who leaves the registry leaves the door too; nor does whoever is given the same id later find keys to it."""
    if kind == "circuit":
        return
    if ended := await store.revoke_of(tx, kind, ids, by.at):
        await record(tx, *(_revoking(key, by.at, by.actor, by.origin) for key in ended))


async def _require_no_more(tx: Tx, before: Key, by: Principal, now: datetime, *, expires_at: datetime | None) -> None:
    """Else who holds a key with an end, or bound to networks, makes one without. Raises InvalidInput or Forbidden."""
    latest = before.successor(now).expires_at
    if latest is not None and expires_at is not None and expires_at > latest:
        message = f"lies after {rfc3339(latest)}, as long as this key was given; an administrator can give longer"
        raise InvalidInput(FieldError("expires_at", message))
    shown = await store.get(tx, by.credential.removeprefix("key:"))
    if shown is None or before.exceeds(shown):
        raise Forbidden("This key holds longer, or in more places, than yours; use that key, or ask an administrator.")


def issuing(key: Key, who: Principal | AtShell) -> Act:
    """What the audit trail says of a key that was made."""
    return Act(key.created_at, who.actor, "key.issued", f"key:{key.id}", _whose(key), who.origin)


def _revoking(key: Key, at: datetime, actor: str, origin: Origin) -> Act:
    return Act(at, actor, "key.revoked", f"key:{key.id}", _whose(key), origin)


def _whose(key: Key) -> dict[str, Any]:
    terms = key.terms
    return {
        "role": terms.role, "subject": terms.subject, "grants": sorted(terms.grants),
        "addresses": [str(network) for network in terms.addresses],
        "expires_at": rfc3339(terms.expires_at) if terms.expires_at else None,
    }  # fmt: skip


_A = {"account": "an account", "network": "a local network", "operator": "an operator"}


def _check(terms: KeyTerms, now: datetime) -> None:
    """Raises InvalidInput."""
    known = grants_of(terms.role)
    field = GRANTS_FIELD[terms.role]
    if unknown := sorted(terms.grants - known.keys()):
        choice = f"there are {', '.join(known)}" if known else "a network's permissions are fixed"
        raise InvalidInput(FieldError(field, f"has no {', '.join(unknown)}: {choice}"))
    if known and not terms.grants:
        raise InvalidInput(FieldError(field, f"name at least one of {', '.join(known)}"))
    if len(terms.subject) > LONGEST_SUBJECT or not re.fullmatch(SUBJECT_PATTERN, terms.subject):
        message = f"must be at most {LONGEST_SUBJECT} letters, digits, dots, at signs, hyphens and underscores"
        raise InvalidInput(FieldError("subject", message))
    if name := refused_character(terms.label):
        raise InvalidInput(FieldError("label", f"contains the character {name}, which is not allowed"))
    if terms.expires_at is not None and terms.expires_at <= now:
        raise InvalidInput(FieldError("expires_at", "lies in the past"))
