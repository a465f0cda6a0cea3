"""Who of some authors retweeted an original: by its edges, or by their claims where those are fewer."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set

import numpy as np

from stores.buckets import BUCKETS, bucket_of
from stores.cassandra.entry import decode_entry
from stores.cassandra.fact import TweetWritten
from stores.cassandra.session import CassandraSession, Statement
from stores.cassandra.tweet_rows import TweetRows
from stores.ports import Ids

AUTHORS_A_STATEMENT = 100
EDGES_A_BUCKET = 16
"""Read at least: sixteen slices cost less than asking about each author."""

_EDGES = Statement(
    "SELECT retweet, user FROM ks.retweets WHERE tweet = ? AND b16 IN ? AND retweet >= ? "
    "PER PARTITION LIMIT ?"
)
# The newest claim of each user, whatever became of it.
_CLAIMS = Statement("SELECT entry FROM ks.retweets_by_user WHERE user IN ? AND tweet = ?")


class Retweets:
    def __init__(self, session: CassandraSession, tweets: TweetRows) -> None:
        self._session = session
        self._tweets = tweets

    async def since(self, originals: Sequence[int], authors: Ids, since: int) -> Mapping[int, Ids]:
        """As `TweetStore.retweets_since`."""
        wanted = frozenset(authors.tolist())
        candidates = await asyncio.gather(*(self._candidates(one, wanted, since) for one in originals))
        # Edges and claims name what may be deleted, or was never written.
        tweets = await self._tweets.live([id_ for ids in candidates for id_ in ids])
        found: dict[int, list[int]] = defaultdict(list)
        for id_, tweet in tweets.items():
            if id_ >= since and tweet.author_id in wanted and tweet.retweet_of is not None:
                found[tweet.retweet_of].append(id_)
        return {original: np.array(ids, np.int64) for original, ids in found.items()}

    async def _candidates(self, original: int, authors: Set[int], since: int) -> list[int]:
        """Ids among which are all that are asked for."""
        most = max(EDGES_A_BUCKET, len(authors))
        edges = await self._session.rows(_EDGES, original, list(range(BUCKETS)), since, most)
        sizes = Counter(bucket_of(retweet) for retweet, _ in edges)
        if max(sizes.values(), default=0) >= most:
            return await self._claimed(original, list(authors))
        # Rows of before name no user.
        return [retweet for retweet, user in edges if user is None or user in authors]

    async def _claimed(self, original: int, authors: Sequence[int]) -> list[int]:
        results = await asyncio.gather(
            *(
                self._session.rows(_CLAIMS, authors[n : n + AUTHORS_A_STATEMENT], original)
                for n in range(0, len(authors), AUTHORS_A_STATEMENT)
            )
        )
        facts = [decode_entry(entry).fact for rows in results for (entry,) in rows]
        return [fact.tweet.tweet_id for fact in facts if isinstance(fact, TweetWritten)]
