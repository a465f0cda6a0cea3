"""Every error that rankfeed raises on purpose.

RankfeedError
├── InputError                 the caller's fault; carries the contract's code, the field and the limit
│   ├── InvalidBody  InvalidField  InvalidId  CursorInvalid  BodyTooLarge
│   ├── Unauthenticated  Forbidden  NotFound  Gone  Conflict  IdempotencyMismatch
│   └── RateLimited  FollowLimit
├── Unavailable                a neighbour is away or slow; the same call may go through later
│   ├── Overloaded             it is us who are too slow just now
│   └── LeaseLost              no machine number is held, so no id can be minted
├── Corrupt                    bytes that do not decode, or do not carry the digest they claim
│   └── UnknownVersion         well-formed, but newer than this code
└── ConfigurationError         a setting, a file or a flag; the message says what to do next

Adapters translate their driver's errors into these (`raise … from exc`); anything else that
surfaces is a bug and is treated as one.
"""

from __future__ import annotations


class RankfeedError(Exception):
    """The root: catch this to catch everything that is raised on purpose."""


class InputError(RankfeedError):
    """The request cannot be honoured as it stands.

    `code` is one of the closed list in the contracts, `field` the offending member of the
    request, `limit` the bound that was crossed, in the field's own unit.
    """

    code = "invalid_body"
    status = 400
    title = "The request cannot be honoured"

    def __init__(
        self,
        detail: str,
        *,
        field: str | None = None,
        limit: int | str | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.limit = limit
        self.retry_after_s = retry_after_s


class InvalidBody(InputError):
    code, status, title = "invalid_body", 400, "The body cannot be read"


class InvalidField(InputError):
    code, status, title = "invalid_field", 422, "A field has a value that is not allowed"


class InvalidId(InputError):
    code, status, title = "invalid_id", 400, "Not an id"


class CursorInvalid(InputError):
    code, status, title = "cursor_invalid", 400, "The cursor was not made by this feed"


class BodyTooLarge(InputError):
    code, status, title = "body_too_large", 413, "The body is too large"


class Unauthenticated(InputError):
    code, status, title = "unauthenticated", 401, "A valid token is needed"


class Forbidden(InputError):
    code, status, title = "forbidden", 403, "The token does not allow this"


class NotFound(InputError):
    code, status, title = "not_found", 404, "Not found"


class Gone(InputError):
    code, status, title = "gone", 410, "It was here and was deleted"


class Conflict(InputError):
    code, status, title = "conflict", 409, "It is taken"


class IdempotencyMismatch(InputError):
    code, status, title = "idempotency_mismatch", 422, "The idempotency key was used for another request"


class RateLimited(InputError):
    code, status, title = "rate_limited", 429, "Too many requests"


class FollowLimit(InputError):
    code, status, title = "follow_limit", 403, "This account cannot follow more users for now"


class Unavailable(RankfeedError):
    """A neighbour did not answer, or not in time."""

    code, status, title = "unavailable", 503, "A part of the service is away"


class Overloaded(Unavailable):
    """This process has more work than it can finish in time."""

    code, status, title = "overloaded", 503, "The service has more work than it can finish"


class LeaseLost(Unavailable):
    """The machine number's lease has run out, so no id can be minted."""


class Corrupt(RankfeedError):
    """Bytes that do not decode, or do not carry the digest that they claim."""


class UnknownVersion(Corrupt):
    """Well-formed, but of a version that this code does not know."""


class ConfigurationError(RankfeedError):
    """A setting, a file or a flag is wrong; the message says what to do next."""
