"""Rate limits: every route that takes a token names its class, and a setting says how much that is.

What writes is counted in Redis, for all processes together and exactly; what reads is counted in the
process, because it should not cost a round trip. Where Redis is away a write goes through uncounted.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any, Literal, get_args

import structlog
from prometheus_client import Counter

from core.clock import Clock
from core.errors import RateLimited, Unavailable
from core.ids import UserId
from core.rates import Rate
from feed_api.buckets import Buckets
from stores.rate_limits import RateLimits

SharedClass = Literal["post", "engage", "follow", "profile", "refresh"]
LocalClass = Literal["read", "report"]
LimitClass = SharedClass | LocalClass
SHARED: tuple[SharedClass, ...] = get_args(SharedClass)
LOCAL: tuple[LocalClass, ...] = get_args(LocalClass)

REFUSED = Counter("rankfeed_rate_limited_total", "Requests refused for their rate", ["limit_class"])
UNCOUNTED = Counter(
    "rankfeed_rate_limit_open_total", "Requests let through uncounted: Redis was away", ["limit_class"]
)
_logger = structlog.get_logger("limits")


def declared(*classes: LimitClass) -> dict[str, Any]:
    """For a route's description: the classes that its requests are counted under."""
    return {"x-rate-limit-classes": list(classes)}


class Limits:
    """`rates` has every class; None for one that is off."""

    def __init__(self, shared: RateLimits, rates: Mapping[LimitClass, Rate | None], clock: Clock) -> None:
        self._shared = shared
        self._rates = rates
        self._clock = clock
        self._buckets = {name: Buckets(rate, clock) for name in LOCAL if (rate := rates[name]) is not None}

    def charge_here(self, user: UserId, limit_class: LocalClass, cost: int = 1) -> None:
        """Raises RateLimited; costs no round trip."""
        buckets, rate = self._buckets.get(limit_class), self._rates[limit_class]
        if buckets is not None and rate is not None and (wait_s := buckets.charge(user, cost)):
            raise _refused(limit_class, rate, wait_s)

    async def charge(self, user: UserId, limit_class: SharedClass, key: str | None = None) -> None:
        """Raises RateLimited. A retry, with the same idempotency `key`, is not counted again."""
        rate = self._rates[limit_class]
        if rate is None:
            return
        once = b"" if key is None else hashlib.blake2b(key.encode(), digest_size=8).digest()
        try:
            wait_ms = await self._shared.charge(
                user, limit_class, rate, now_ms=self._clock.now_ms(), once=once
            )
        except Unavailable as exc:
            UNCOUNTED.labels(limit_class).inc()
            _logger.warning("rate_not_counted", limit_class=limit_class, error=str(exc))
            return
        if wait_ms:
            raise _refused(limit_class, rate, wait_ms / 1000)


def _refused(limit_class: LimitClass, rate: Rate, wait_s: float) -> RateLimited:
    REFUSED.labels(limit_class).inc()
    return RateLimited(
        f"at most {rate.count} of the class '{limit_class}' in {rate.window_ms // 1000} s",
        field=limit_class,
        limit=rate.text,
        retry_after_s=math.ceil(wait_s),
    )
