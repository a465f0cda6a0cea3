"""What was there before: people, whom they follow and what they had tweeted, put into the store."""

from __future__ import annotations

import asyncio

from core.ids import TweetId, UserId, id_time_ms
from core.types import Tweet, User
from eventlog.schema import FollowSet, TweetCreated, UserCreated, record_of
from tests.histories.history import History
from tests.histories.truth import Edge, Told


class Prologue:
    def __init__(self, history: History) -> None:
        self._history = history
        self._world = history.world

    async def appear(self, count: int) -> list[int]:
        """People with profiles, made in the store: that is another history."""
        users = [self._world.mint() for _ in range(count)]

        async def sign_up(user: int) -> None:
            profile = User(UserId(user), f"p{user % 10**12}", f"Person {user}", id_time_ms(user))
            event = record_of(UserCreated.of(profile), id=user, ts_ms=profile.created_ms, key=user)
            await self._world.stores.users.create(profile, [event])

        await asyncio.gather(*map(sign_up, users))
        return users

    async def tell(self, author: int) -> None:
        """A tweet of before."""
        tweet_id = self._world.mint()
        tweet = Tweet(TweetId(tweet_id), UserId(author), self._history.text(), id_time_ms(tweet_id))
        event = record_of(TweetCreated.of(tweet), id=tweet_id, ts_ms=tweet.created_ms, key=author)
        await self._world.stores.tweets.create(tweet, None, [event])
        self._history.truth.post(Told(tweet_id, author))

    async def follow(self, follower: int, followee: int) -> None:
        """A follow of before."""
        ver = self._world.mint()
        event = record_of(FollowSet(follower, followee, True), id=ver, ts_ms=id_time_ms(ver), key=follower)
        await self._world.stores.graph.set_follow(
            UserId(follower), UserId(followee), on=True, ver=ver, outbox=[event]
        )
        self._history.truth.set(Edge("follow", follower, followee), on=True)
