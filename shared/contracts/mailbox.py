"""Which addresses mail may be sent to: plain ASCII mailboxes at a domain, with nothing that could end a command."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

LONGEST = 254
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(rf"({_LABEL}\.)+{_LABEL}")
# What is surely taken, for documents: more is.
_SURE = r"^[a-z0-9_+-]{1,30}(\.[a-z0-9]{1,30})?@([a-z][a-z0-9]{0,20}\.){1,4}[a-z]{2,10}$"


def objection(address: str) -> str | None:
    """What is wrong with it as it is given; None when it may be tried."""
    if not address.isascii():
        return "must be plain ASCII: write an international domain in its xn-- form"
    local, at, domain = address.rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or len(local) > 64:
        return "must be an e-mail address like noc@example.com"
    if len(address) > LONGEST or not _DOMAIN.fullmatch(domain):
        return "must be an e-mail address at a domain name like example.com"
    if domain.rpartition(".")[2].isdigit():
        return "must be an e-mail address at a domain name, not at an IP address"
    return None


def _mailbox(address: str) -> str:
    if said := objection(address):
        raise ValueError(said)
    return address


Mailbox = Annotated[
    str,
    Field(max_length=LONGEST, json_schema_extra={"pattern": _SURE}, examples=["noc@example.com"]),
    AfterValidator(_mailbox),
]
