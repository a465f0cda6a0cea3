"""Histories of one author who posts, replies, retweets and deletes, with deaths anywhere.

In the end what is there by id is there by author and nothing else is, edges are those of what is
there, of each original at most one retweet stands, a key stands for one tweet, and who goes by the log
and lets deletion win knows the same tweets.
"""

from __future__ import annotations

import numpy as np

from core.ids import TweetId, UserId
from core.types import Tweet
from eventlog.schema import ReplySet, RetweetSet, TweetCreated, TweetDeleted, record_of
from stores.buckets import BUCKETS
from stores.cassandra.assembly import CassandraStores
from stores.ports import Bucket, Counts, IdempotentAnswer, OutboxRecord
from tests.cassandra_keyspace import Keyspace
from tests.integration.cassandra_faults import Cluster
from tests.integration.cassandra_history import History, Step, told
from tests.integration.cassandra_writes import BASE

HISTORIES = 30
STEPS = 20
KEYS = ("k1", "k2", "k3")


class Author:
    """What one author did, by number: ids rise with it."""

    def __init__(self, history: History, number: int) -> None:
        self._history = history
        self.author = UserId(BASE + number)
        self.originals = [TweetId(BASE + 10_000_000 + 10 * number + n) for n in range(2)]
        self._first = BASE + 100_000_000 + 100_000 * number
        self._now_ms = history.cluster.clock.now_ms()
        self.posts: list[Tweet] = []
        self.acknowledged: set[int] = set()
        self.deleted: set[int] = set()

    def steps(self) -> list[Step]:
        return [self._step(self._first + 1_000 * n) for n in range(STEPS)]

    def _step(self, id_: int) -> Step:
        chance = self._history.random
        if self.posts and chance.random() < 0.35:
            return self._delete(chance.choice(self.posts), id_)
        kind, original = (
            chance.choice(("plain", "reply", "retweet", "retweet")),
            chance.choice(self.originals),
        )
        tweet = Tweet(
            TweetId(id_),
            self.author,
            "",
            5,
            original if kind == "reply" else None,
            original if kind == "retweet" else None,
        )
        key = chance.choice(KEYS) if self._history.coin() else None
        self.posts.append(tweet)
        return self._post(tweet, key)

    def _post(self, tweet: Tweet, key: str | None) -> Step:
        id_ = tweet.tweet_id
        answer = None
        if key is not None:
            answer = IdempotentAnswer(key, "POST", b"", b"%d" % id_, self._now_ms + 86_400_000)
        records = [record_of(TweetCreated.of(tweet), id=id_, ts_ms=5, key=tweet.author_id)]
        records += edges(tweet, on=True, ver=id_)

        async def post(stores: CassandraStores) -> None:
            posted = await stores.tweets.create(tweet, answer, records)
            if posted.first is None and posted.retweet is None:
                self.acknowledged.add(id_)

        return post

    def _delete(self, tweet: Tweet, ver: int) -> Step:
        event = TweetDeleted(tweet.tweet_id, tweet.author_id)
        records = [record_of(event, id=ver, ts_ms=5, key=tweet.author_id), *edges(tweet, on=False, ver=ver)]

        async def delete(stores: CassandraStores) -> None:
            # As a route does: nobody deletes what they cannot read.
            if await stores.tweets.get_many([tweet.tweet_id]):
                await stores.tweets.delete(tweet, ver=ver, outbox=records)
                self.deleted.add(tweet.tweet_id)

        return delete


def edges(tweet: Tweet, *, on: bool, ver: int) -> list[OutboxRecord]:
    records = []
    if tweet.reply_to is not None:
        reply = ReplySet(tweet.tweet_id, tweet.reply_to, on)
        records.append(record_of(reply, id=ver, ts_ms=5, key=tweet.reply_to))
    if tweet.retweet_of is not None:
        retweet = RetweetSet(tweet.author_id, tweet.retweet_of, on, tweet.tweet_id)
        records.append(record_of(retweet, id=ver, ts_ms=5, key=tweet.retweet_of))
    return records


async def counted(stores: CassandraStores, tweet: int) -> Counts:
    await stores.engagements.recount(
        [Bucket(tweet, kind, number) for kind in ("retweets", "replies") for number in range(BUCKETS)]
    )
    return (await stores.engagements.counts([tweet]))[tweet]


async def test_what_stands_is_whole_and_what_is_deleted_stays_so(
    cluster: Cluster, keyspace: Keyspace
) -> None:
    deaths = stood = gone = 0
    for number in range(HISTORIES):
        history = History(cluster, number)
        author = Author(history, number)
        await history.run(author.steps())
        stores, ids = cluster.healthy, [tweet.tweet_id for tweet in author.posts]
        # Whoever asks for a key finishes what its first user died over.
        answers = [await stores.answers.first(author.author, key, cluster.clock.now_ms()) for key in KEYS]
        cluster.clock.advance(3_000)
        await cluster.relay().round()
        live = await stores.tweets.get_many(ids)
        deletions = await stores.tweets.deletions(ids)
        newest = await stores.tweets.newest_ids(np.array([author.author]), before=None, limit=100)
        assert newest.tolist() == sorted(live, reverse=True)
        assert live.keys().isdisjoint(deletions)
        assert author.deleted <= set(deletions)
        assert author.acknowledged <= set(live) | set(deletions)
        for original in author.originals:
            retweets = [tweet for tweet in live.values() if tweet.retweet_of == original]
            replies = [tweet for tweet in live.values() if tweet.reply_to == original]
            assert len(retweets) <= 1
            assert await counted(stores, original) == Counts(0, len(retweets), len(replies))
        for answer in answers:
            assert answer is None or int(answer.answer) in {*live, *deletions}
        created = {event.tweet for _, event in told(cluster.log) if isinstance(event, TweetCreated)}
        removed = {event.tweet for _, event in told(cluster.log) if isinstance(event, TweetDeleted)}
        assert created - removed == set(live)
        assert removed == set(deletions)
        assert keyspace.outbox_rows() == 0
        deaths, stood, gone = deaths + history.deaths, stood + len(live), gone + len(deletions)
        cluster.log.records.clear()
    # The histories are what they are meant to be.
    assert deaths > HISTORIES
    assert stood > HISTORIES
    assert gone > HISTORIES
