"""Writes people, follows, tweets and likes through the stores, many at a time for one commit.

Every write is idempotent: what is there already is counted and left as it is.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import polars as pl

from core.errors import Conflict
from core.ids import TweetId, UserId
from core.types import MAX_DISPLAY_NAME_CHARS, MAX_HANDLE_CHARS, Tweet, User
from eventlog import tweet_facts
from eventlog.schema import FollowSet, LikeSet, UserCreated, record_of
from interchange.report import Reporter
from stores.ports import EngagementStore, GraphStore, TweetStore, UserStore

BATCH = 1_000
"""Writes in flight at once; also what the stores take in one lookup."""

_REPORT_EVERY = 10_000
_HANDLE = re.compile(rf"[A-Za-z0-9_]{{1,{MAX_HANDLE_CHARS}}}", re.ASCII)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Like(NamedTuple):
    """A like as it happened; `event_id` is also its version."""

    at_ms: int
    user: int
    tweet: int
    author: int
    request_id: bytes
    event_id: int


@dataclass(frozen=True, slots=True)
class FactStores:
    users: UserStore
    graph: GraphStore
    tweets: TweetStore
    engagements: EngagementStore


class FactWriter:
    """Writes facts and counts, by kind, what it `written` and what was `there`."""

    def __init__(self, stores: FactStores, report: Reporter) -> None:
        self._stores = stores
        self._report = report
        self.written: Counter[str] = Counter()
        self.there: Counter[str] = Counter()
        self.handles_replaced = 0

    async def write_people(self, people: pl.DataFrame) -> None:
        """As `History` has them. A handle that is taken or not allowed is replaced by one of the id."""
        for rows in self._batches("users", people):
            known = await self._stores.users.get_many([row["user"] for row in rows])
            self.there["users"] += len(known)
            fresh = [row for row in rows if row["user"] not in known]
            await self._together("users", [self._create_user(row) for row in fresh])

    async def write_follows(self, follows: pl.DataFrame) -> None:
        for rows in self._batches("follows", follows):
            await self._together("follows", [self._follow(row) for row in rows])

    async def write_tweets(self, tweets: pl.DataFrame) -> None:
        for rows in self._batches("tweets", tweets):
            known = await self._stores.tweets.get_many([row["tweet"] for row in rows])
            self.there["tweets"] += len(known)
            fresh = [row for row in rows if row["tweet"] not in known]
            await self._together("tweets", [self._create_tweet(row) for row in fresh])

    async def write_likes(self, likes: Sequence[Like]) -> None:
        await self._together("likes", [self._like(like) for like in likes])

    async def _create_user(self, row: dict[str, Any]) -> bool:
        handle = row["handle"]
        if handle is not None and _HANDLE.fullmatch(handle):
            try:
                await self._store_user(row, handle)
            except Conflict as exc:
                if exc.field != "handle":
                    return False
            else:
                return True
        if handle is not None:
            self.handles_replaced += 1
        try:
            await self._store_user(row, row["role"][0] + _base36(row["user"]))
        except Conflict as exc:
            if exc.field != "user_id":
                raise
            return False
        return True

    async def _store_user(self, row: dict[str, Any], handle: str) -> None:
        name = f"{row['role'].capitalize()} {row['external']}".replace("\0", "")[:MAX_DISPLAY_NAME_CHARS]
        user = User(UserId(row["user"]), handle, name, row["at_ms"])
        record = record_of(UserCreated.of(user), id=row["event_id"], ts_ms=row["at_ms"], key=user.user_id)
        await self._stores.users.create(user, [record])

    async def _follow(self, row: dict[str, Any]) -> bool:
        follower, followee, event_id = row["follower"], row["followee"], row["event_id"]
        record = record_of(FollowSet(follower, followee, True), id=event_id, ts_ms=row["at_ms"], key=follower)
        written = await self._stores.graph.set_follow(
            UserId(follower), UserId(followee), on=True, ver=event_id, outbox=[record]
        )
        return written.changed

    async def _create_tweet(self, row: dict[str, Any]) -> bool:
        tweet = Tweet(
            TweetId(row["tweet"]),
            UserId(row["author"]),
            row["text"],
            row["at_ms"],
            row["reply_to"],
            row["retweet_of"],
        )
        records = tweet_facts.written(
            tweet,
            event_id=row["event_id"],
            target_author=row["target_author"],
            media_kind=row["media_kind"],
        )
        posted = await self._stores.tweets.create(tweet, None, records)
        return posted.retweet is None

    async def _like(self, like: Like) -> bool:
        event = LikeSet(like.user, like.tweet, True, like.author, like.request_id)
        record = record_of(event, id=like.event_id, ts_ms=like.at_ms, key=like.tweet)
        written = await self._stores.engagements.set_like(
            UserId(like.user), TweetId(like.tweet), on=True, ver=like.event_id, outbox=[record]
        )
        return written.changed

    def _batches(self, kind: str, frame: pl.DataFrame) -> Iterator[list[dict[str, Any]]]:
        for start in range(0, frame.height, BATCH):
            yield frame.slice(start, BATCH).to_dicts()
            done = min(start + BATCH, frame.height)
            if done == frame.height or done % _REPORT_EVERY == 0:
                self._report(f"{done:,} of {frame.height:,} {kind}")

    async def _together(self, kind: str, writes: Sequence[Coroutine[Any, Any, bool]]) -> None:
        """Runs the writes so that they share commits; each answers whether it changed anything.

        All of them end before the first error is raised.
        """
        answers = await asyncio.gather(*writes, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
            (self.written if answer else self.there)[kind] += 1


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits
