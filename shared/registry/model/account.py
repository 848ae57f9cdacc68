"""A key account (大客户) and what its contract says."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictBool

from shared.contracts.progress import Shape, Short, Text
from shared.ids import ENTRY_PATTERN, AccountId
from shared.registry.model.contact import ContactPoint, whole

Sector = Literal["government", "public-security", "finance", "education", "fortune-500", "other"]
Id = Annotated[AccountId, Field(pattern=ENTRY_PATTERN)]


@dataclass(frozen=True, slots=True)
class Contract(Shape):
    """`reporters`: who may report a fault. `parent_may_read`: whether the parent account sees this one's tickets."""

    service_level: Short | None = None
    reporters: Literal["any-key", "listed-contacts"] = "any-key"
    confirmation_timeout_h: Annotated[int, Field(strict=True, ge=1, le=720), BeforeValidator(whole)] | None = None
    parent_may_read: StrictBool = False


@dataclass(frozen=True, slots=True)
class Account(Shape):
    """`group` is a name for accounts that belong together, `parent` the account that stands above; `notes` are for
    the desk only. `tier` is a word of the tier scheme, which is data."""

    id: Id
    name_zh: Short
    name_en: Short
    sector: Sector
    tier: Short
    group: Short | None = None
    parent: Id | None = None
    contacts: Annotated[tuple[ContactPoint, ...], Field(max_length=100)] = ()
    manager: ContactPoint | None = None
    contract: Contract = Contract()
    notes: Text | None = None
