"""Somebody who can be called: a person, or a desk with a number."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from shared.contracts.progress import Shape, Short

Phone = Annotated[str, Field(pattern=r"^[+(]?[0-9][0-9 ()./-]{2,38}$", examples=["+86 10 5550 0134"])]
Email = Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,200}$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,8})?$", examples=["zh", "en"])]


def whole(value: Any) -> Any:
    """JSON has one sort of numbers: 100.0 is 100. Text is no number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


@dataclass(frozen=True, slots=True)
class ContactPoint(Shape):
    """`window` is when to call: `24x7`, or local hours such as `Mon-Fri 08:30-17:30`."""

    name: Short
    role: Short | None = None
    phone: Phone | None = None
    email: Email | None = None
    language: Language | None = None
    window: Short | None = None


def reached_at(phone_or_email: str) -> str:
    """The same for the same line or mailbox, however it is written: `+86 10 5550 0134` is `010-5550-0134`."""
    if "@" in phone_or_email:
        return phone_or_email.strip().lower()
    digits = "".join(c for c in phone_or_email if c.isdecimal())
    return digits.removeprefix("00").removeprefix("86").removeprefix("0")
