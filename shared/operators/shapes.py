"""What the operators' routes take and answer."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.auth.permissions import Duty, Permission, Role
from shared.auth.principal import Principal
from shared.clock import rfc3339
from shared.contracts.text import PATTERN
from shared.operators.break_glass import LONGEST
from shared.operators.sessions import Session


class PasswordBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    password: Annotated[str, Field(min_length=1, max_length=LONGEST, json_schema_extra={"pattern": PATTERN})]


class Caller(BaseModel):
    """Who the center takes the caller for. `duties`, `csrf_token` and `ends_at` are those of a browser's session."""

    role: Role
    subject: str
    name: str
    duties: list[Duty]
    permissions: list[Permission]
    csrf_token: str | None
    ends_at: str | None


class SignedOut(BaseModel):
    """`provider_sign_out` is where the browser ends its session at the OpenID provider too, if it has such a place."""

    provider_sign_out: str | None


def of_session(session: Session) -> Caller:
    principal = session.operator.principal(session.credential, "")
    return Caller(
        role="operator",
        subject=principal.subject,
        name=session.operator.name,
        duties=sorted(session.operator.duties),
        permissions=sorted(principal.permissions),
        csrf_token=session.csrf_token,
        ends_at=rfc3339(session.ends_at),
    )


def of_principal(principal: Principal) -> Caller:
    return Caller(
        role=principal.role,
        subject=principal.subject,
        name=principal.subject,
        duties=[],
        permissions=sorted(principal.permissions),
        csrf_token=None,
        ends_at=None,
    )
