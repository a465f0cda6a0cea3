"""Tweets that are asked for by themselves: one by its id, and those of one user.

Nothing is ranked here and nothing is left out for being elsewhere. What holds is what holds for whoever
knows the address: nothing that is gone, and nothing across a block, also not in somebody else's retweet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from core.errors import Gone, NotFound
from core.ids import UserId
from core.types import User
from ranking.candidate import Item
from ranking.hydrators import hydrate
from ranking.page_walk import Shown
from stores.ports import Deletion, Ids
from stores.tweet_cache import TweetCache
from stores.user_cache import UserCache
from timelines.relations import Relations

_SPARE = 8
_MOST = 200
"""Ids hydrated at once: each further part of a page is twice as long."""


class TweetRecords(Protocol):
    """What single reads want of the tweet store."""

    async def deletions(self, tweet_ids: Sequence[int]) -> Mapping[int, Deletion]: ...

    async def newest_ids(self, authors: Ids, *, before: int | None, limit: int) -> Ids: ...


class SingleReads:
    def __init__(
        self, tweets: TweetCache, users: UserCache, relations: Relations, records: TweetRecords
    ) -> None:
        self._tweets = tweets
        self._users = users
        self._relations = relations
        self._records = records

    async def tweet(self, viewer: UserId, tweet_id: int) -> Shown:
        """One tweet. Raises NotFound, Gone where it or what it retweets was deleted, and Unavailable."""
        blocked = await self._blocked(viewer)
        item = (await hydrate([tweet_id], self._tweets.get_live)).get(tweet_id)
        if item is None:
            raise await self._absence(tweet_id, blocked)
        shown = await self._shown([item], blocked)
        if not shown:
            raise _unknown_tweet()
        return shown[0]

    async def of_user(self, viewer: UserId, user: UserId, below: int | None, want: int) -> list[Shown]:
        """The newest `want` of a user's tweets below an id. Raises NotFound and Unavailable."""
        blocked = await self._blocked(viewer)
        if user in blocked or user not in await self._users.get_many([user]):
            raise NotFound("there is no user of this id", field="user_id")
        author = np.array([user], np.int64)
        shown: list[Shown] = []
        size = want + _SPARE
        while len(shown) < want:
            ids: list[int] = (await self._records.newest_ids(author, before=below, limit=size)).tolist()
            items = await hydrate(ids, self._tweets.get_live)
            shown += await self._shown([items[one] for one in ids if one in items], blocked)
            if len(ids) < size:
                break
            below = ids[-1]
            size = min(2 * size, max(_MOST, size))
        return shown[:want]

    async def _blocked(self, viewer: UserId) -> frozenset[int]:
        return frozenset((await self._relations.hidden(viewer)).blocked.tolist())

    async def _absence(self, tweet_id: int, blocked: frozenset[int]) -> NotFound | Gone:
        """Why there is nothing to show: deleted is told to those who might have seen it."""
        bodies = await self._tweets.get_many([tweet_id])
        body = bodies.get(tweet_id)
        asked = [tweet_id] if body is None or body.retweet_of is None else [tweet_id, body.retweet_of]
        deletions = await self._records.deletions(asked)
        authors = {one.author_id for one in deletions.values()} | {one.author_id for one in bodies.values()}
        if not deletions or authors & blocked:
            return _unknown_tweet()
        return Gone("this tweet was deleted", field="tweet_id")

    async def _shown(self, items: Sequence[Item], blocked: frozenset[int]) -> list[Shown]:
        """Those that may be shown, in their order."""
        allowed = [
            item
            for item in items
            if item.tweet.author_id not in blocked and item.root.tweet.author_id not in blocked
        ]
        users: Mapping[int, User] = await self._users.get_many(
            [user for item in allowed for user in (item.tweet.author_id, item.root.tweet.author_id)]
        )
        return [
            Shown(
                place,
                item.tweet,
                users[item.tweet.author_id],
                item.root,
                users[item.root.tweet.author_id],
            )
            for place, item in enumerate(allowed)
            if item.tweet.author_id in users and item.root.tweet.author_id in users
        ]


def _unknown_tweet() -> NotFound:
    return NotFound("there is no tweet of this id", field="tweet_id")
