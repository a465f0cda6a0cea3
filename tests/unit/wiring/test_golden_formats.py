"""Golden files of what others keep for us: tokens of clients, values of Redis, documents that steer us.

A file is written once. What it holds stays readable, and today's code writes the same bytes; a
changed format gets a new version and a file beside it.
`python -m tests.unit.wiring.test_golden_formats` writes those that are missing.
"""

from __future__ import annotations

import uuid
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from core.ids import TweetId, UserId
from core.packing import VersionedCodec
from core.types import Tweet
from features.accumulate import Observation
from features.seen_list import SeenLists, decode_seen
from feed_api.signatures import Signer, Tracked
from ranking.objective import Diversity, Exploration, FreshnessDecay, Objective, Seen, Weight
from ranking.objectives import decode_objective, encode_objective
from ranking.query import FeedPosition
from stores.cached_tweet import (
    DELETED,
    FLAG_DELETED,
    FLAG_HIDDEN,
    TOMBSTONE,
    TWEETS,
    decode_state,
    encode_state,
    is_tombstone,
)
from stores.popular import POPULAR, Popular
from stores.ports import Counts, Followees, Hidden
from stores.slates import SLATES, Slate
from timelines.relations import decode_followees, decode_hidden, encode_followees, encode_hidden


def seen_list(*tweets: int) -> bytes:
    lists = SeenLists()
    for tweet in tweets:
        lists.apply(Observation(0, "seen", VIEWER, 0, tweet))
    return lists.drain()[0].packed


GOLDEN = Path(__file__).parents[2] / "golden"

SIGNER = Signer(bytes(range(32)))
VIEWER = UserId(1_723_000_000_000_000_007)
TWEET_ID = TweetId(1_724_000_000_000_000_001)
RANKED = FeedPosition("r", below=TWEET_ID, slate="AbCdEf-_0123", index=37, floor=TWEET_ID - 5)
CHRONOLOGICAL = FeedPosition("c", below=TWEET_ID, index=20)
TOPPED = FeedPosition("c", below=TWEET_ID, index=20, top=TWEET_ID + 9)
TRACKED = Tracked(uuid.UUID(bytes=bytes(range(16))), TWEET_ID, TWEET_ID - 7, 3)
TWEET = Tweet(TWEET_ID, VIEWER, "Grüße — 🎉", 1_700_000_000_123, TweetId(TWEET_ID - 1), TweetId(TWEET_ID - 2))
PLAIN_TWEET = Tweet(TWEET_ID, VIEWER, "hello", 1_700_000_000_123)
FOLLOWEES = Followees(np.array([3, VIEWER, TWEET_ID], np.int64), TWEET_ID)
HIDDEN = Hidden(np.array([3, VIEWER], np.int64), np.array([TWEET_ID], np.int64), TWEET_ID)
COUNTS = Counts(1, 70_000, 2**32 - 1)
SLATE = Slate(
    "AbCdEf-_0123",
    1_700_000_000_123,
    TWEET_ID - 5,
    "home@20260101-1",
    "engagement@1",
    "9f" * 32,
    ["timeline", "timeline"],
    ["g", "t"],
    np.array([TWEET_ID, TWEET_ID - 5], "<i8").tobytes(),
    np.array([[0.75], [0.125]], "<f4").tobytes(),
    np.array([0.75, 0.125], "<f8").tobytes(),
    np.array([[1.0, np.nan], [0.5, 2.0]], "<f4").tobytes(),
    np.array([[[1, 7], [4, 0]], [[1, 7], [4, 9]]], "<u4").tobytes(),
)
MULTIPLIED = replace(
    SLATE,
    multipliers=np.array([[0.5, 1.25, 1.0], [1.0, 1.0, 0.75]], "<f8").tobytes(),
    places=np.array([[1, 0], [0, 0]], "<i4").tobytes(),
)
SHOWN = replace(MULTIPLIED, shown=np.array([TWEET_ID - 9], "<i8").tobytes())
LOOKED_AT = replace(SHOWN, seen=np.array([0.25, 1.0], "<f8").tobytes())
POPULAR_TWEETS = Popular(
    1_700_000_000_123,
    np.array([TWEET_ID, TWEET_ID - 5], "<i8").tobytes(),
    np.array([1.5, 0.25], "<f4").tobytes(),
)
OBJECTIVE = Objective(
    1,
    "mine",
    3,
    "ada 👩‍💻",
    "because",
    {"click": Weight(0.1), "hide": Weight(-20.0, min=-100.0, max=0.0)},
    FreshnessDecay(3_600.0),
    Diversity(0.85, 0.25),
    {"popular": 0.5},
    Exploration(0.0, 0.5),
    [],
    "2026-11-22T00:06:47.226Z",
)
SEEN_BEFORE = replace(OBJECTIVE, seen=Seen(0.25))

FORMATS: dict[str, bytes] = {
    "tokens/cursor.ranked.v1.txt": SIGNER.cursor(VIEWER, RANKED).encode(),
    "tokens/cursor.chronological.v1.txt": SIGNER.cursor(VIEWER, CHRONOLOGICAL).encode(),
    "tokens/cursor.top.v1.txt": SIGNER.cursor(VIEWER, TOPPED).encode(),
    "tokens/cursor.user.v1.txt": SIGNER.user_cursor(VIEWER, UserId(7), TWEET_ID).encode(),
    "tokens/tracking.v1.txt": SIGNER.tracking(VIEWER, TRACKED).encode(),
    "redis/slate.seen.v1.bin": SLATES.encode(LOOKED_AT),
    "redis/seen.v1.bin": seen_list(TWEET_ID - 5, TWEET_ID),
    "redis/popular.v1.bin": POPULAR.encode(POPULAR_TWEETS),
    "control/objective.v1.json": encode_objective(OBJECTIVE),
    "control/objective.seen.v1.json": encode_objective(SEEN_BEFORE),
    "redis/followees.v1.bin": encode_followees(FOLLOWEES),
    "redis/hidden.v1.bin": encode_hidden(HIDDEN),
    "redis/tweet.v1.bin": TWEETS.encode(TWEET),
    "redis/tweet.plain.v1.bin": TWEETS.encode(PLAIN_TWEET),
    "redis/tombstone.v1.bin": TOMBSTONE + DELETED,
    "redis/counts.v1.bin": encode_state(COUNTS),
    "redis/counts.gone.v1.bin": encode_state(COUNTS, FLAG_DELETED | FLAG_HIDDEN),
}


def golden(name: str) -> bytes:
    return (GOLDEN / name).read_bytes()


def write_missing() -> None:
    for name, value in FORMATS.items():
        path = GOLDEN / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(value)


@pytest.mark.parametrize("name", FORMATS)
def test_todays_code_writes_the_same_bytes(name: str) -> None:
    assert FORMATS[name] == golden(name)


def test_tokens_are_read_as_what_they_were() -> None:
    assert SIGNER.read_cursor(VIEWER, golden("tokens/cursor.ranked.v1.txt").decode()) == RANKED
    assert SIGNER.read_cursor(VIEWER, golden("tokens/cursor.chronological.v1.txt").decode()) == CHRONOLOGICAL
    assert SIGNER.read_cursor(VIEWER, golden("tokens/cursor.top.v1.txt").decode()) == TOPPED
    user_cursor = golden("tokens/cursor.user.v1.txt").decode()
    assert SIGNER.read_user_cursor(VIEWER, UserId(7), user_cursor) == TWEET_ID
    assert SIGNER.read_tracking(VIEWER, golden("tokens/tracking.v1.txt").decode()) == TRACKED


def test_documents_of_the_control_store_are_read_as_what_they_were() -> None:
    # A replay needs every objective that ever applied.
    assert decode_objective(golden("control/objective.v1.json")) == OBJECTIVE
    assert decode_objective(golden("control/objective.seen.v1.json")) == SEEN_BEFORE


def test_values_of_redis_are_read_as_what_they_were() -> None:
    # Of before multipliers, what was shown, and what was seen were in it: read by the same version.
    assert SLATES.decode(golden("redis/slate.v1.bin")) == SLATE
    assert SLATES.decode(golden("redis/slate.multiplied.v1.bin")) == MULTIPLIED
    assert SLATES.decode(golden("redis/slate.shown.v1.bin")) == SHOWN
    assert SLATES.decode(golden("redis/slate.seen.v1.bin")) == LOOKED_AT
    seen = decode_seen(golden("redis/seen.v1.bin"))
    assert seen is not None
    assert seen.tolist() == [TWEET_ID - 5, TWEET_ID]
    assert POPULAR.decode(golden("redis/popular.v1.bin")) == POPULAR_TWEETS
    assert TWEETS.decode(golden("redis/tweet.v1.bin")) == TWEET
    assert TWEETS.decode(golden("redis/tweet.plain.v1.bin")) == PLAIN_TWEET
    tombstone = golden("redis/tombstone.v1.bin")
    assert is_tombstone(tombstone)
    # Code that knows no tombstones reads a miss, asks the store, and cannot fill.
    assert TWEETS.decode(tombstone) is None
    states = [golden("redis/counts.v1.bin"), golden("redis/counts.gone.v1.bin")]
    assert list(map(decode_state, states)) == [(COUNTS, 0), (COUNTS, 3)]
    followees = decode_followees(golden("redis/followees.v1.bin"))
    assert followees is not None
    assert (followees.ids.tolist(), followees.ver) == (FOLLOWEES.ids.tolist(), FOLLOWEES.ver)
    hidden = decode_hidden(golden("redis/hidden.v1.bin"))
    assert hidden is not None
    assert (hidden.blocked.tolist(), hidden.muted.tolist()) == ([3, VIEWER], [TWEET_ID])
    assert hidden.ver == HIDDEN.ver


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        (SLATES, "redis/slate.v1.bin"),
        (POPULAR, "redis/popular.v1.bin"),
        (TWEETS, "redis/tweet.v1.bin"),
    ],
    ids=["slate", "popular", "tweet"],
)
def test_an_unknown_version_or_damage_is_a_miss(codec: VersionedCodec[object], name: str) -> None:
    raw = golden(name)
    assert codec.decode(raw) is not None
    for other in (b"\x02" + raw[1:], raw[:-1], raw[:1], b"", None):
        assert codec.decode(other) is None


if __name__ == "__main__":
    write_missing()
