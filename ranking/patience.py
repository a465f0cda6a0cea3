"""How long a page waits for the store, and what it does without it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from prometheus_client import Counter

from core.deadline import Deadline
from core.errors import Unavailable
from ranking.query import FeedQuery

T = TypeVar("T")

SHARE = 0.8
"""Of the request's time: what is left then is enough to show what the caches have."""
FOLLOWEES_SHARE = 0.5
"""Of the request's time: so long the store may take to say whom a viewer follows since the last change."""

WITHOUT_STORE = Counter("rankfeed_feed_without_store_total", "Pages made of what the caches had")
_logger = structlog.get_logger("patience")


class Patience:
    """One page's. A first page may do without the store; a later one would skip what it is for.

    After the first call that failed nothing is asked for any more: the rest of the page would wait
    as long for each. `partial` says that something was done without.
    """

    def __init__(self, query: FeedQuery) -> None:
        self._lenient = query.position is None
        self._deadline = Deadline.after_ms(1000 * SHARE * query.deadline.remaining_s(), query.deadline.clock)
        self.ran_out = False
        self._spared = False

    @property
    def partial(self) -> bool:
        return self.ran_out or self._spared

    async def ask(self, store: Callable[[], Awaitable[T]], at_hand: Callable[[], Awaitable[T]]) -> T:
        """The store's answer, or what is at hand. Raises Unavailable where the page needs the store."""
        if not self._lenient:
            return await store()
        if not self.ran_out:
            try:
                async with asyncio.timeout(self._deadline.remaining_s()):
                    return await store()
            except (Unavailable, TimeoutError) as exc:
                self.ran_out = True
                WITHOUT_STORE.inc()
                _logger.warning("store_away", error=str(exc) or type(exc).__name__)
        return await at_hand()

    async def spare(self, store: Callable[[], Awaitable[T]], at_hand: Callable[[], Awaitable[T]]) -> T:
        """As `ask`, for what any page can do without."""
        if not self.partial:
            try:
                async with asyncio.timeout(self._deadline.remaining_s()):
                    return await store()
            except (Unavailable, TimeoutError) as exc:
                self._spared = True
                _logger.warning("done_without", error=str(exc) or type(exc).__name__)
        return await at_hand()
