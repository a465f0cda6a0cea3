"""Bytes a timeline, by what Redis says it uses: as a merge leaves it, after trims, and at its longest."""

from __future__ import annotations

import asyncio

import numpy as np

from bench.bars.bar import Result
from bench.redis_for_benches import BenchRedis, fresh_redis, used_bytes
from core.ids import UserId
from stores.ports import Ids
from timelines.audience import Audience, Offer, push_to
from timelines.layout import CAPACITY, LONGEST
from timelines.merge import TimelineMerge

TIMELINES = 2_000
BAR_BYTES = 8_600
FIRST_VIEWER = 4_000_000_000_000_000_000
FIRST_ID = 1_790_000_000_000_000_000
ROUNDS = 20
"""Full rounds of pushes and trims: by then no list is laid out as the merge left it."""


class _Store:
    """The newest 800 of a long history."""

    async def newest_ids(self, authors: Ids, *, before: int | None, limit: int) -> Ids:
        return np.arange(FIRST_ID + limit, FIRST_ID, -1, dtype=np.int64)


def measure(arguments: list[str]) -> Result:
    merged, trimmed, longest = asyncio.run(_measure())
    return Result(
        f"bytes a timeline of {CAPACITY}, {TIMELINES:,} of them, keys and expiries included",
        f"after a merge {merged:,.0f}, after trims at most {trimmed:,.0f}; before a trim {longest:,.0f}",
        f"≤ {BAR_BYTES:,} of {CAPACITY} ids",
        max(merged, trimmed) <= BAR_BYTES,
    )


async def _measure() -> tuple[float, float, float]:
    async with fresh_redis() as both:
        merge = TimelineMerge(both.client, _Store())
        viewers = np.arange(FIRST_VIEWER, FIRST_VIEWER + TIMELINES, dtype=np.int64)
        audience = Audience(viewers)
        before = await used_bytes(both.plain)

        async def authors() -> Ids:
            return np.array([1], np.int64)

        for viewer in viewers.tolist():
            await merge.rebuild(UserId(viewer), authors)
        merged = await used_bytes(both.plain) - before
        next_id, trimmed, longest = FIRST_ID + 10 * CAPACITY, 0.0, 0.0
        for _ in range(ROUNDS):
            length = CAPACITY + 2
            while length < LONGEST:
                length += await _push(both, audience, next_id)
                next_id += 1
            longest = max(longest, await used_bytes(both.plain) - before)
            await _push(both, audience, next_id)
            next_id += 1
            trimmed = max(trimmed, await used_bytes(both.plain) - before)
    return merged / TIMELINES, trimmed / TIMELINES, longest / TIMELINES


async def _push(both: BenchRedis, audience: Audience, tweet: int) -> int:
    assert await push_to(both.client, [Offer(audience, tweet)]) == TIMELINES
    return 1
