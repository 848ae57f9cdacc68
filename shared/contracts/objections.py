"""What pydantic has against something, in words for whoever sent it: its own speak of Python."""

from typing import Any

from shared.contracts.instant import DAY_PATTERN
from shared.ids import ENTRY_PATTERN, EVENT_PATTERN, NETWORK_PATTERN, TICKET_PATTERN

_WORDS = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request",
    "unexpected_keyword_argument": "is not a field of this request",
    **dict.fromkeys(("model_type", "model_attributes_type", "dataclass_type", "dict_type"), "must be a JSON object"),
    "list_type": "must be a JSON array",
}

_FORMS = {
    ENTRY_PATTERN: "must be an id such as ACME.BJ-1: letters, digits, dots, hyphens and underscores",
    EVENT_PATTERN: "must be an event's id such as VT261121-7K3QM9XA-12",
    NETWORK_PATTERN: "must be an area code such as 0878",
    DAY_PATTERN: "must be a day such as 2026-11-01, from 2000 to 2099",
    TICKET_PATTERN: "must be a ticket's number such as VT261121-7K3QM9XA",
}


def objection(error: Any) -> str:
    """`error` is one of `ValidationError.errors()`. It can be encoded, whatever was sent."""
    if error["type"] == "string_pattern_mismatch" and (form := _FORMS.get(error["ctx"]["pattern"])):
        return form
    message = _WORDS.get(error["type"]) or str(error["msg"]).removeprefix("Value error, ")
    return message.encode("utf-8", "backslashreplace").decode()
