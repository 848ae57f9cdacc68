"""What makes a repetition recognisable. Pure, so that models may carry it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """Who asked (`scope`), under which `key`, and a digest of what was asked."""

    scope: str
    key: str
    digest: bytes
