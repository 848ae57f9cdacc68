"""The one seam between a request and its caller: several ways to prove who one is, one Principal.

A way that does not know the credential of a request answers None and the next is asked; one that knows it and refuses
it raises. What was found is kept with the request, which is asked more than once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

from starlette.requests import Request
from starlette.types import Scope

from shared.auth.permissions import Access, giving
from shared.auth.principal import Principal
from shared.errors import Forbidden, Unauthenticated, Unavailable
from shared.web.address import client_address

CALLER = "vrc.caller"  # in the request's scope
ADMITTED = "vrc.admitted"  # in the request's scope: it was counted against its limit
WHO = frozenset({b"authorization", b"cookie", b"x-forwarded-for"})  # all that an Authenticator reads of a GET


class Authenticator(Protocol):
    async def principal(self, request: Request) -> Principal | None:
        """None when the request carries nothing of this kind. Raises Unauthenticated or Forbidden."""


async def authenticate(request: Request, access: Access) -> Principal:
    """Raises Unauthenticated or Forbidden."""
    caller: Principal | None = request.scope.get(CALLER)
    if caller is None:
        caller = request.scope[CALLER] = await caller_of(request)
    if caller.role not in access.roles:
        raise Forbidden(f"This is for {' and '.join(access.roles)} keys; yours is one of role {caller.role}.")
    if access.needs not in caller.permissions:
        raise Forbidden(_missing(caller, access))
    return caller


async def caller_of(request: Request) -> Principal:
    """Asked anew each time, so that an open stream can find out whether it would still be let in."""
    ways: Sequence[Authenticator] = request.app.state.authenticators
    for way in ways:
        if (caller := await way.principal(request)) is not None:
            address = client_address(request, request.app.state.trusted_proxies)
            return replace(caller, address=str(address) if address else "")
    raise Unauthenticated("Send an API key that is valid: `Authorization: Bearer <key>`.")


@dataclass(frozen=True, slots=True)
class Admission:
    """What an open stream was let in by; equal where the same was shown from the same place."""

    caller: Principal
    shown: tuple[tuple[bytes, bytes], ...]
    scope: Scope = field(compare=False, repr=False)

    @classmethod
    def of(cls, request: Request, caller: Principal) -> Self:
        """Of a GET, and no more of it than has to be asked again."""
        whole = request.scope
        shown = tuple((name, value) for name, value in whole["headers"] if name in WHO)
        scope = {name: whole[name] for name in ("type", "method", "client", "app", ADMITTED) if name in whole}
        return cls(caller, shown, {**scope, "headers": shown})

    async def holds(self) -> bool:
        """Whether it would bring the same caller now, with what he may; True while nobody can tell."""
        try:
            return await caller_of(Request(self.scope)) == self.caller
        except (Unauthenticated, Forbidden):
            return False
        except Unavailable:
            return True


def _missing(caller: Principal, access: Access) -> str:
    names = " or ".join(giving(caller.role, access.needs))
    if caller.role == "account":
        return f"This needs the scope {names}, which your key does not have."
    return f"This needs the permission {access.needs}, which you do not have; it comes with the duty {names}."
