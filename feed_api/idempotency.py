"""Idempotency keys, the same on every route that writes.

A key belongs to its user for 24 hours and stands for one request: a route, and what was asked of it.
The same request under it is answered as the first time, byte for byte, and writes nothing; any other
is a mismatch. What it stands for is kept in the store, in the write itself, so a flush of Redis does
not forget it; it is looked up before the rate limit, so a retry is never charged. A refusal is no
answer: its key is free.

Only the body of the first answer is stored. A route's answers all have one status, which is the
route's own, so the route's name brings it back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Response

from core.errors import IdempotencyMismatch, InvalidField
from core.ids import UserId
from feed_api import limits
from feed_api.limits import SharedClass
from feed_api.services import Services
from stores.ports import IdempotentAnswer

HEADER = "Idempotency-Key"
MAX_KEY_CHARS = 64
TTL_MS = 24 * 3600 * 1000
_DIGEST_BYTES = 16

_PARAMETER: Mapping[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": MAX_KEY_CHARS},
    "description": "1 to 64 printable ASCII characters of the client's choice, new for each request that "
    "it makes: sent again within 24 hours, the request is answered as the first time and writes nothing",
}


@dataclass(frozen=True, slots=True)
class WriteRoute:
    """A route that writes: its name in the store, its one status, and the class that it is limited by."""

    name: str
    status: int
    limit_class: SharedClass

    def documented(self) -> dict[str, Any]:
        """For the route's description."""
        return {**limits.declared(self.limit_class), "parameters": [_PARAMETER]}

    def answer(self, body: bytes) -> Response:
        return Response(body, status_code=self.status, media_type="application/json" if body else None)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request of a write route, and what its key was first used for; without a key, nothing."""

    route: WriteRoute
    user: UserId
    key: str | None
    asked: bytes
    expires_ms: int
    first: IdempotentAnswer | None = None

    def keeping(self, body: bytes) -> IdempotentAnswer | None:
        """What goes with the write: this answer, under the key."""
        if self.key is None:
            return None
        return IdempotentAnswer(self.key, self.route.name, self.asked, body, self.expires_ms)

    def repeat(self, first: IdempotentAnswer) -> Response:
        """The first answer again; raises IdempotencyMismatch where it answered another request.

        Who was first may have died right after the write: what a write does beside the store is done
        again, before it is answered again.
        """
        if (first.route, first.body_hash) != (self.route.name, self.asked):
            raise IdempotencyMismatch(
                "this key was used for another request within 24 h; use a new one", field="idempotency_key"
            )
        return self.route.answer(first.answer)


async def begin(services: Services, user: UserId, route: WriteRoute, key: str | None, *asked: str) -> Attempt:
    """Looks the key up, and charges the rate limit where it is new; raises RateLimited.

    `asked` is all that tells one request of this route from another; NUL is in none of it.
    """
    now_ms = services.clock.now_ms()
    digest = hashlib.blake2b("\0".join(asked).encode(), digest_size=_DIGEST_BYTES).digest()
    first = None if key is None else await services.answers.first(user, key, now_ms)
    if first is None:
        await services.limits.charge(user, route.limit_class, key)
    return Attempt(route, user, key, digest, now_ms + TTL_MS, first)


async def keep(services: Services, attempt: Attempt, body: bytes) -> Response:
    """Answers a request to which no write belongs; its key stands for it all the same."""
    answer = attempt.keeping(body)
    first = None if answer is None else await services.answers.keep(attempt.user, answer)
    return attempt.route.answer(body) if first is None else attempt.repeat(first)


def key_of(header: str | None, field: str | None) -> str | None:
    """The key that a request carries in its header, its body, or both; raises InvalidField."""
    if header is not None and field is not None and header != field:
        raise InvalidField("differs from the Idempotency-Key header", field="idempotency_key")
    key = field if header is None else header
    if key is not None and not (1 <= len(key) <= MAX_KEY_CHARS and key.isascii() and key.isprintable()):
        raise InvalidField(
            "must have 1 to 64 printable ASCII characters",
            field=HEADER if field is None else "idempotency_key",
            limit=MAX_KEY_CHARS,
        )
    return key


async def in_header(request: Request) -> str | None:
    """Raises InvalidField where it is sent twice, and differs."""
    # Read by hand: of a header that is sent twice, a declared one is the last and says nothing.
    values = set(request.headers.getlist(HEADER))
    if len(values) > 1:
        raise InvalidField("is sent twice, and differs", field=HEADER)
    return values.pop() if values else None


HeaderKey = Annotated[str | None, Depends(in_header)]
