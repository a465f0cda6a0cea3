"""Golden files: outbox entries of every version stay readable, and today's are written the same way.

A relay meets entries that older code wrote, and an idempotency key stands for one for a day. A file is
written once; `python -m tests.unit.stores.test_golden_entries` writes those that are missing.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from core.ids import TweetId, UserId
from core.types import Tweet, User
from stores.cassandra.entry import VERSION, Entry, decode_entry, encode_entry
from stores.cassandra.fact import (
    AnswerKept,
    BlockWritten,
    EdgeVersions,
    Fact,
    FollowEnd,
    FollowWritten,
    LikeWritten,
    MuteWritten,
    TweetDeleted,
    TweetWritten,
    UserChanged,
    UserWritten,
)
from stores.ports import IdempotentAnswer, OutboxRecord

GOLDEN = Path(__file__).parents[2] / "golden" / "entries"

ID = 1_724_000_000_000_000_001
KEY = 1_723_000_000_000_000_007
TS_MS = 1_700_000_000_123
TWEET = Tweet(TweetId(ID), UserId(KEY), "Grüße — 🎉", TS_MS, TweetId(ID - 1), None)
RETWEET = Tweet(TweetId(ID), UserId(KEY), "", TS_MS, None, TweetId(ID - 2))
RECORDS = (OutboxRecord("tweets.v1", KEY, b"\x00\xff event"),)
ANSWER = IdempotentAnswer("k-1", "POST /v1/tweets", bytes(range(16)), b'{"tweet_id":"1"}', TS_MS + 86_400_000)

FIRST: dict[str, Fact] = {
    "tweet": TweetWritten(TWEET),
    "user": UserWritten(User(UserId(KEY), "ada_99", "Ada Lovelace 👩‍💻", TS_MS)),
    "follow": FollowWritten(KEY, KEY + 1, True, ID, EdgeVersions(3, 4)),
    "like": LikeWritten(KEY, ID - 1, False, ID, EdgeVersions(ID - 7, 0)),
}
SECOND: dict[str, Fact] = {
    **FIRST,
    "delete": TweetDeleted(RETWEET, ID + 1),
    "profile": UserChanged(KEY, "Ada King 👑", ID),
    "block": BlockWritten(KEY, KEY + 1, True, ID, EdgeVersions(3, 4), (FollowEnd(KEY + 1, KEY, ID + 1),)),
    "mute": MuteWritten(KEY, KEY + 1, False, ID, EdgeVersions(3, 0)),
    "answer": AnswerKept(KEY),
}

ENTRIES: dict[str, Entry] = {
    **{f"{name}.v1": Entry(1, TS_MS * 1000, fact, RECORDS) for name, fact in FIRST.items()},
    **{f"{name}.v2": Entry(2, TS_MS * 1000, fact, RECORDS) for name, fact in SECOND.items()},
    "retweet.keyed.v2": Entry(2, TS_MS * 1000, TweetWritten(RETWEET), RECORDS, ANSWER),
}


def golden(name: str) -> Path:
    return GOLDEN / f"{name}.msgpack"


def write_missing() -> None:
    for name, entry in ENTRIES.items():
        if not golden(name).exists():
            golden(name).write_bytes(encode_entry(entry))


@pytest.mark.parametrize("name", ENTRIES)
def test_what_was_written_is_read_as_what_it_was(name: str) -> None:
    assert decode_entry(golden(name).read_bytes()) == ENTRIES[name]


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if entry.v == VERSION])
def test_todays_code_writes_the_same_bytes(name: str) -> None:
    assert encode_entry(ENTRIES[name]) == golden(name).read_bytes()


def test_every_kind_of_fact_has_a_file() -> None:
    kinds = {type(entry.fact) for entry in ENTRIES.values() if entry.v == VERSION}
    assert kinds == set(Fact.__args__)


if __name__ == "__main__":
    write_missing()
