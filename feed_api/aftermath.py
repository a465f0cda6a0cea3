"""What a write does beside the store, before it is answered: what its author reads next shows it.

The consumers of its event do all of this as well, as often as it takes; so what fails here is logged,
and the write is acknowledged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence

import structlog

from core.errors import Unavailable
from core.ids import TweetId, UserId
from feed_api.services import Services
from stores.ports import CountKind, Counts
from timelines.layout import Delivery, push

BURY_AGAIN_S = (0.05, 0.2)

_logger = structlog.get_logger("aftermath")


async def show_to_author(services: Services, author: UserId, tweet_id: int) -> None:
    """In the author's own list: fan-out brings it to the others, and to this one again."""
    await _try("not_pushed", push(services.redis, [Delivery(author, tweet_id)]))


async def bury(services: Services, tweet_ids: Sequence[int]) -> None:
    """From here on no cache shows them.

    A Redis that was busy for a moment is asked again: others may read from it what it was not told. One
    that is away shows nobody anything; when it is back, the consumer of the event tells it.
    """
    for pause_s in BURY_AGAIN_S:
        try:
            await services.tombstones.write(tweet_ids)
        except Unavailable:
            await asyncio.sleep(pause_s)
        else:
            return
    await _try("not_buried", services.tombstones.write(tweet_ids))


async def hint(services: Services, tweet_id: TweetId, kind: CountKind, by: int, ver: int) -> None:
    """Counts are right within seconds by themselves; until then they are about right."""
    # What they are now is of no interest here, so the store need not be asked for what Redis has not.
    await _try("count_not_shifted", services.counts.shift(tweet_id, kind, by, before=Counts(), ver=ver))


async def forget_followees(services: Services, changes: Iterable[tuple[UserId, int]]) -> None:
    """Of each user whom they follow, after the change of that version."""
    await _try_all(
        "followees_not_forgotten", [services.relations.invalidate(user, ver) for user, ver in changes]
    )


async def forget_hidden(services: Services, users: Iterable[UserId], ver: int) -> None:
    """Of each user whom they do not see."""
    await _try_all(
        "hidden_not_forgotten", [services.relations.invalidate_hidden(user, ver) for user in users]
    )


async def _try_all(event: str, works: Sequence[Awaitable[object]]) -> None:
    await asyncio.gather(*(_try(event, work) for work in works))


async def _try(event: str, work: Awaitable[object]) -> None:
    try:
        await work
    except Unavailable as exc:
        _logger.warning(event, error=str(exc))
