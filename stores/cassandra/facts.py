"""The tables behind an entry: idempotent upserts that the writer makes and the relay repeats."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import NamedTuple

from core.types import Tweet, User
from stores.cassandra.edges import FOLLOWS, LIKES, EdgeKind, has_changed, read_edge, write_edge
from stores.cassandra.entry import (
    EdgeVersions,
    Entry,
    FollowWritten,
    LikeWritten,
    TweetWritten,
    UserWritten,
    timestamp_us,
)
from stores.cassandra.months import month_of
from stores.cassandra.session import CassandraSession, Statement

_MONTHS_REMEMBERED = 65_536

_TWEET = Statement(
    "INSERT INTO ks.tweets_by_id (tweet_id, author, text, created_ms, reply_to, retweet_of) "
    "VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?"
)
_BY_AUTHOR = Statement(
    "INSERT INTO ks.tweets_by_author (author, yyyymm, tweet_id) VALUES (?, ?, ?) USING TIMESTAMP ?"
)
_MONTH = Statement("INSERT INTO ks.author_months (author, yyyymm) VALUES (?, ?) USING TIMESTAMP ?")
_USER = Statement(
    "INSERT INTO ks.users (id, handle, display_name, created_ms) VALUES (?, ?, ?, ?) IF NOT EXISTS",
    conditional=True,
)


class Effect(NamedTuple):
    """Whether an entry changed anything and so is told of; `overtaken_by` is a later state of its edge."""

    changed: bool
    overtaken_by: EdgeVersions | None = None


class Facts:
    """Makes an entry's effects on the tables. Repeating one, in any order, changes nothing more."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self._months: OrderedDict[tuple[int, int], None] = OrderedDict()

    async def apply(self, entry: Entry) -> Effect:
        """Raises Unavailable where something may be missing; the entry's row then stays."""
        match entry.fact:
            case TweetWritten(tweet):
                return await self._tweet(tweet)
            case UserWritten(user):
                return await self._user(user)
            case FollowWritten() as follow:
                return await self._edge(FOLLOWS, follow.follower, follow.followee, follow)
            case LikeWritten() as like:
                return await self._edge(LIKES, like.user, like.tweet, like)

    async def _tweet(self, tweet: Tweet) -> Effect:
        at_us, month = timestamp_us(tweet.tweet_id), month_of(tweet.tweet_id)
        author = tweet.author_id
        writes = [
            self._session.write(
                _TWEET,
                tweet.tweet_id,
                author,
                tweet.text,
                tweet.created_ms,
                tweet.reply_to,
                tweet.retweet_of,
                at_us,
            ),
            self._session.write(_BY_AUTHOR, author, month, tweet.tweet_id, at_us),
        ]
        if (author, month) not in self._months:
            writes.append(self._session.write(_MONTH, author, month, at_us))
        await asyncio.gather(*writes)
        # Only after all were acknowledged: a month that is not there hides its tweets.
        self._months[author, month] = None
        if len(self._months) > _MONTHS_REMEMBERED:
            self._months.popitem(last=False)
        return Effect(changed=True)

    async def _user(self, user: User) -> Effect:
        outcome = await self._session.conditional(
            _USER, user.user_id, user.handle, user.display_name, user.created_ms
        )
        if outcome.applied:
            return Effect(changed=True)
        row = outcome.row
        # It may be this very profile, written by an earlier try or by somebody who finished it.
        return Effect(User(row["id"], row["handle"], row["display_name"], row["created_ms"]) == user)

    async def _edge(self, kind: EdgeKind, a: int, b: int, edge: FollowWritten | LikeWritten) -> Effect:
        await write_edge(self._session, kind, a, b, on=edge.on, ver=edge.ver)
        after = await read_edge(self._session, kind, a, b)
        changed = has_changed(edge.before, after, on=edge.on, ver=edge.ver)
        return Effect(changed, after if max(after) > edge.ver else None)
