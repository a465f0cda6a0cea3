"""Viewers whose timelines are full, written to the stores as they would be after months of use."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from core.clock import SystemClock
from core.ids import TweetId, UserId, compose_id
from core.types import Tweet, User
from tests.e2e.live_stack import LiveStack
from wiring.resources import Stores, open_stores

AT_ONCE = 256
"""Writes under way: the store commits what has gathered as one."""
HOUR_MS = 3_600_000
_WORDS = ("the", "feed", "of", "a", "friend", "who", "writes", "about", "trains", "rain", "bread", "night")


@dataclass(frozen=True, slots=True)
class Crowd:
    """`authors` post `posts` tweets each, a tenth of them retweets; each viewer follows `follows` of them."""

    authors: int
    posts: int
    viewers: int
    follows: int
    first_id: int = 1_000_001
    seed: int = 1

    @property
    def author_ids(self) -> Sequence[int]:
        return range(self.first_id, self.first_id + self.authors)

    @property
    def viewer_ids(self) -> Sequence[int]:
        begin = self.first_id + self.authors
        return range(begin, begin + self.viewers)


@asynccontextmanager
async def stores_of(stack: LiveStack) -> AsyncIterator[Stores]:
    async with open_stores(stack.settings, stack.home, SystemClock()) as stores:
        yield stores


async def write(stores: Stores, crowd: Crowd) -> list[Tweet]:
    """Users, follows and tweets; of the tweets nobody is told, for nobody has a timeline yet."""
    randomness = random.Random(crowd.seed)
    now_ms = SystemClock().now_ms()
    await _all(
        partial(stores.users.create, User(UserId(user), f"u{user}", f"User {user}", now_ms), [])
        for user in (*crowd.author_ids, *crowd.viewer_ids)
    )
    await _all(
        partial(stores.graph.set_follow, UserId(viewer), UserId(author), on=True, ver=1, outbox=[])
        for viewer in crowd.viewer_ids
        for author in randomness.sample(crowd.author_ids, crowd.follows)
    )
    total = crowd.authors * crowd.posts
    originals: list[int] = []
    tweets: list[Tweet] = []
    for number in range(total):
        at_ms = now_ms - HOUR_MS * (total - number) // 20
        tweet_id = TweetId(compose_id(at_ms, 31, 30, number % 4096))
        author = UserId(randomness.choice(crowd.author_ids))
        if originals and randomness.random() < 0.1:
            tweets.append(
                Tweet(tweet_id, author, "", at_ms, retweet_of=TweetId(randomness.choice(originals)))
            )
        else:
            tweets.append(Tweet(tweet_id, author, _text(randomness), at_ms))
            originals.append(tweet_id)
    await _all(partial(stores.tweets.create, tweet, None, []) for tweet in tweets)
    return tweets


def _text(randomness: random.Random) -> str:
    """About as long as tweets are."""
    return " ".join(randomness.choices(_WORDS, k=randomness.randint(4, 40)))[:280]


async def _all(writes: Iterable[Callable[[], Awaitable[object]]]) -> None:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(write: Callable[[], Awaitable[object]]) -> None:
        async with room:
            await write()

    await asyncio.gather(*(one(write) for write in writes))
