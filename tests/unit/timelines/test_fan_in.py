"""The gate before the store: a few ask, some wait, the rest is turned away at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from core.errors import Overloaded, Unavailable
from stores.ports import Ids
from timelines.fan_in import WAITING_A_SLOT, FanIn

AUTHORS = np.array([1, 2, 3], np.int64)


class SlowTweets:
    """Answers when it is told to; `asked` at once, at most `most`."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.asked = 0
        self.most = 0
        self.away = False

    async def newest_ids(self, authors: Ids, *, before: int | None, limit: int) -> Ids:
        if self.away:
            raise Unavailable("no store")
        self.asked += 1
        self.most = max(self.most, self.asked)
        await self.go.wait()
        self.asked -= 1
        return np.array([before or 9], np.int64)[:limit]

    async def retweets_since(
        self, originals: Sequence[int], authors: Ids, *, since: int
    ) -> Mapping[int, Ids]:
        ids = await self.newest_ids(authors, before=since, limit=1)
        return dict.fromkeys(originals, ids)


async def _settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_so_many_ask_at_once_and_who_comes_later_is_turned_away() -> None:
    tweets = SlowTweets()
    fan_in = FanIn(tweets, 2)
    all_of_them = 2 * (1 + WAITING_A_SLOT)
    asking = [
        asyncio.create_task(fan_in.newest_ids(AUTHORS, before=n + 1, limit=5)) for n in range(all_of_them)
    ]
    await _settled()
    assert tweets.asked == 2
    with pytest.raises(Overloaded):
        await fan_in.newest_ids(AUTHORS, before=None, limit=5)
    with pytest.raises(Overloaded):
        await fan_in.retweets_since([7], AUTHORS, since=5)
    tweets.go.set()
    answers = await asyncio.gather(*asking)
    assert [answer.tolist() for answer in answers] == [[n + 1] for n in range(all_of_them)]
    assert tweets.most == 2
    assert {
        one: ids.tolist() for one, ids in (await fan_in.retweets_since([7], AUTHORS, since=5)).items()
    } == {7: [5]}
    assert (await fan_in.newest_ids(AUTHORS, before=None, limit=5)).tolist() == [9]


async def test_who_gives_up_and_who_fails_make_room() -> None:
    tweets = SlowTweets()
    fan_in = FanIn(tweets, 1)
    asking = [
        asyncio.create_task(fan_in.newest_ids(AUTHORS, before=None, limit=5))
        for _ in range(1 + WAITING_A_SLOT)
    ]
    await _settled()
    for one in asking:
        one.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    tweets.away = True
    for _ in range(30):
        with pytest.raises(Unavailable, match="no store"):
            await fan_in.newest_ids(AUTHORS, before=None, limit=5)
    tweets.away = False
    tweets.go.set()
    assert (await fan_in.newest_ids(AUTHORS, before=None, limit=5)).tolist() == [9]
