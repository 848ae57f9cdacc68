"""A local network (本地网): the prefecture's network that repairs, and how its response center is reached."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.progress import Network as Code
from shared.contracts.progress import Shape, Short
from shared.registry.model.contact import ContactPoint, Language


@dataclass(frozen=True, slots=True)
class Network(Shape):
    """`merged` names what else belongs to its numbering area. `duty` is the roster, each entry with its `window`.

    `state` is what the network said of itself; that a door is silent is found out elsewhere.
    """

    code: Code
    name_zh: Short
    name_en: Short
    province_zh: Short
    province_en: Short
    merged: Short | None = None
    door: Literal["kafka", "http"] | None = None
    state: Literal["working", "not-working"] = "working"
    languages: Annotated[tuple[Language, ...], Field(max_length=20)] = ()
    contacts: Annotated[tuple[ContactPoint, ...], Field(max_length=100)] = ()
    duty: Annotated[tuple[ContactPoint, ...], Field(max_length=100)] = ()
