"""Every error the center raises on purpose, and the one place their meaning is fixed.

    CenterError
    ├── Refused                     the request cannot be done as asked; nothing changed
    │   ├── InvalidInput            400/422  names the field
    │   ├── Incomplete              408      retryable: the body broke off, or took too long
    │   ├── UnsupportedMedia        415
    │   ├── TooLarge                413
    │   ├── HeadTooLarge            431
    │   ├── Unauthenticated         401
    │   ├── Forbidden               403
    │   ├── NotFound                404      also for what belongs to somebody else
    │   ├── Gone                    410
    │   ├── IllegalMove             409      says which moves are legal
    │   ├── KeyReused               422      same Idempotency-Key, other body
    │   └── TooManyRequests         429      retryable: a limit; says when to ask again
    └── Unavailable                 503      retryable: store or bus did not answer in time
        └── LoginRefused            503      the database answers, and does not let the center in

Services raise these; only `shared.web` turns them into RFC 9457 problems.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class CenterError(Exception):
    """`code` is stable and public; `retryable` says whether the same request may succeed later."""

    code = "internal"
    status = 500
    title = "Internal error"
    retryable = False

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Refused(CenterError):
    pass


@dataclass(frozen=True, slots=True)
class FieldError:
    """`field` is a dotted path into the body, or `header:<name>`, `query:<name>`, `path:<name>`."""

    field: str
    message: str


class InvalidInput(Refused):
    code = "invalid_input"
    status = 422
    title = "The request is not valid"

    def __init__(self, *errors: FieldError, status: int | None = None) -> None:
        super().__init__("; ".join(f"{e.field}: {e.message}" for e in errors))
        self.errors = errors
        if status is not None:
            self.status = status


class Incomplete(Refused):
    code = "incomplete_request"
    status = 408
    title = "The request did not arrive whole"
    retryable = True

    def __init__(self) -> None:
        super().__init__("Its body broke off or took too long; nothing was done. Send all of it at once.")


class UnsupportedMedia(Refused):
    code = "unsupported_media_type"
    status = 415
    title = "Send application/json"


class TooLarge(Refused):
    code = "body_too_large"
    status = 413
    title = "The body is too large"


class HeadTooLarge(Refused):
    code = "head_too_large"
    status = 431
    title = "The headers are too large"


class Unauthenticated(Refused):
    code = "unauthenticated"
    status = 401
    title = "An API key is needed"


class Forbidden(Refused):
    code = "forbidden"
    status = 403
    title = "This key may not do that"


class NotFound(Refused):
    code = "not_found"
    status = 404
    title = "Not found"

    def __init__(self, detail: str = "There is nothing here that this key may see.") -> None:
        super().__init__(detail)


class Gone(Refused):
    code = "gone"
    status = 410
    title = "No longer available"

    def __init__(self, detail: str, *, oldest: str | None = None) -> None:
        super().__init__(detail)
        self.oldest = oldest


class IllegalMove(Refused):
    code = "illegal_move"
    status = 409
    title = "Not possible in this state"

    def __init__(self, detail: str, *, legal: Sequence[str]) -> None:
        super().__init__(detail)
        self.legal = tuple(legal)


class KeyReused(Refused):
    code = "idempotency_key_reused"
    status = 422
    title = "This Idempotency-Key was used for another request"


class TooManyRequests(Refused):
    code = "too_many_requests"
    status = 429
    title = "Too many requests"
    retryable = True

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(f"{detail} Ask again after {retry_after_s} s.")
        self.retry_after_s = retry_after_s


class Unavailable(CenterError):
    code = "unavailable"
    status = 503
    title = "Try again"
    retryable = True

    def __init__(self, detail: str, *, retry_after_s: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class LoginRefused(Unavailable):
    """`why` is for the operator alone."""

    def __init__(self, why: str) -> None:
        super().__init__("The database does not let the center in; try again.")
        self.why = why
