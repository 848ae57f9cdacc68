"""From what a provider says of somebody to who that is here: a subject, a readable name, duties."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.auth.permissions import Duty, granted
from shared.auth.principal import Principal
from shared.operators.config import Client

BREAK_GLASS = "break-glass"  # the account of that name; nobody a provider names can be it
LONGEST = 255


@dataclass(frozen=True, slots=True)
class Operator:
    """`subject` is what the record names; it stays with a person whose name changes."""

    subject: str
    name: str
    duties: frozenset[Duty]

    def principal(self, credential: str, address: str) -> Principal:
        return Principal("operator", self.subject, granted("operator", self.duties), None, credential, address)


BREAK_GLASS_OPERATOR = Operator(BREAK_GLASS, "Break-glass account", frozenset({"administrator", "noc", "duty_manager"}))


def operator_of(claims: Mapping[str, Any], client: Client) -> Operator | None:
    """None when the subject can't be one of ours; an operator without duties is one who may do nothing."""
    subject = claims.get("sub")
    if not _is_plain(subject) or subject == BREAK_GLASS:
        return None
    given = [claims.get("name"), claims.get("preferred_username")]
    name = next((name for name in given if _is_plain(name)), subject)
    return Operator(str(subject), str(name), duties_of(claims.get(client.duty_claim), client.duties))


def duties_of(claim: object, mapping: Mapping[str, Duty]) -> frozenset[Duty]:
    """`claim` is one value or a list of them; those that the mapping does not name give nothing."""
    values = claim if isinstance(claim, list) else [claim]
    return frozenset(mapping[value] for value in values if isinstance(value, str) and value in mapping)


def _is_plain(text: object) -> bool:
    """Fit for the record and a screen: no control characters, no bidi overrides, no lone surrogates."""
    return isinstance(text, str) and 0 < len(text) <= LONGEST and text.strip() == text and text.isprintable()
