"""One retweet of an original a user: claimed by a row that carries the whole write."""

from __future__ import annotations

from core.types import Tweet
from stores.cassandra.entry import Entry, decode_entry, encode_entry
from stores.cassandra.fact import TweetWritten
from stores.cassandra.session import CassandraSession, Statement
from stores.cassandra.tweet_rows import TweetRows
from stores.cassandra.write_path import WritePath

_CLAIM = Statement(
    "INSERT INTO ks.retweets_by_user (user, tweet, entry) VALUES (?, ?, ?) IF NOT EXISTS", conditional=True
)
_TAKE_OVER = Statement(
    "UPDATE ks.retweets_by_user SET entry = ? WHERE user = ? AND tweet = ? IF entry = ?", conditional=True
)
_GIVE_BACK = Statement(
    "DELETE FROM ks.retweets_by_user WHERE user = ? AND tweet = ? IF entry = ?", conditional=True
)


class RetweetClaims:
    def __init__(self, session: CassandraSession, path: WritePath, tweets: TweetRows) -> None:
        self._session = session
        self._path = path
        self._tweets = tweets

    async def claim(self, user: int, original: int, entry: Entry) -> Tweet | None:
        """Makes the original the entry's; the retweet that stands where there is one, complete."""
        raw = encode_entry(entry)
        while True:
            outcome = await self._session.conditional(_CLAIM, user, original, raw)
            held = outcome.row.get("entry")
            if outcome.applied or held == raw:
                return None
            if held is None:
                continue
            if (standing := await self._standing(decode_entry(held))) is not None:
                return standing
            outcome = await self._session.conditional(_TAKE_OVER, raw, user, original, held)
            if outcome.applied or outcome.row.get("entry") == raw:
                return None

    async def give_back(self, user: int, original: int, entry: Entry) -> None:
        """Frees the original again, where the entry's key stands for another write."""
        await self._session.conditional(_GIVE_BACK, user, original, encode_entry(entry))

    async def _standing(self, claim: Entry) -> Tweet | None:
        """The retweet of a claim, made now where its maker died over it; None where it is deleted or void."""
        assert isinstance(claim.fact, TweetWritten)
        tweet = claim.fact.tweet
        if tweet.tweet_id in await self._tweets.deletions([tweet.tweet_id]):
            return None
        return tweet if await self._path.settle(claim) else None
