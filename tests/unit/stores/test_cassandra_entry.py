"""Outbox entries: what comes back is what went in, and what is newer or damaged is told apart."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Corrupt, UnknownVersion
from core.ids import EPOCH_MS, MAX_ID, TweetId, UserId
from core.types import Tweet, User
from stores.cassandra.entry import VERSION, Entry, decode_entry, digest_of, encode_entry, timestamp_us
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

TWEET = Tweet(TweetId(3), UserId(4), "№ 🎉", 5, TweetId(1), None)
FACTS: list[tuple[Fact, int, int, int]] = [
    (TweetWritten(TWEET), 3, 4, 4),
    (TweetDeleted(TWEET, 9), 9, 4, 4),
    (UserWritten(User(UserId(MAX_ID), "Ada", "Käte", 5)), MAX_ID, MAX_ID, MAX_ID),
    (UserChanged(1, "Käte", 9), 9, 1, 1),
    (FollowWritten(1, 2, True, 9, EdgeVersions(3, 4)), 9, 1, 1),
    (BlockWritten(1, 2, True, 9, EdgeVersions(3, 4), (FollowEnd(2, 1, 10),)), 9, 1, 1),
    (MuteWritten(1, 2, True, 9, EdgeVersions(3, 4)), 9, 1, 1),
    (LikeWritten(1, 2, False, 9, EdgeVersions()), 9, 1, 2),
]


@pytest.mark.parametrize(("fact", "event_id", "user", "aggregate"), FACTS)
def test_an_entry_carries_the_whole_write(fact: Fact, event_id: int, user: int, aggregate: int) -> None:
    answer = IdempotentAnswer("k", "POST /v1/tweets", b"\x00\xff", b"{}", 86_400_000)
    entry = Entry(VERSION, 17, fact, (OutboxRecord("tweets.v1", -5, bytes(range(256))),), answer)
    decoded = decode_entry(encode_entry(entry))
    assert decoded == entry
    assert isinstance(decoded.records[0], OutboxRecord)
    assert (decoded.event_id, decoded.user, decoded.aggregate) == (event_id, user, aggregate)


def test_an_answer_alone_belongs_to_its_user_and_to_no_outbox() -> None:
    entry = decode_entry(encode_entry(Entry(VERSION, 17, AnswerKept(4), ())))
    assert entry.user == 4
    with pytest.raises(AssertionError, match="no outbox"):
        _ = entry.event_id


def test_the_first_version_stays_readable() -> None:
    first = {
        "v": 1,
        "written_us": 17,
        "fact": {"type": "follow", "follower": 1, "followee": 2, "on": True, "ver": 9, "before": [3, 4]},
        "records": [["graph.v1", 1, b"event"]],
    }
    entry = Entry(1, 17, FACTS[4][0], (OutboxRecord("graph.v1", 1, b"event"),))
    assert decode_entry(msgspec.msgpack.encode(first)) == entry


def test_a_newer_entry_is_told_from_a_damaged_one() -> None:
    with pytest.raises(UnknownVersion, match="newer relay"):
        decode_entry(msgspec.msgpack.encode({"v": VERSION + 1, "anything": 1}))
    with pytest.raises(Corrupt, match="outbox entry"):
        decode_entry(msgspec.msgpack.encode({"v": VERSION, "fact": {"type": "unheard of"}}))


@given(st.binary(max_size=60))
def test_any_bytes_are_an_entry_or_corrupt(raw: bytes) -> None:
    try:
        decode_entry(raw)
    except Corrupt:
        return


def test_the_same_entry_twice_has_one_name() -> None:
    one, other = (Entry(VERSION, at, FACTS[0][0], ()) for at in (1, 2))
    assert digest_of(encode_entry(one)) == digest_of(encode_entry(one))
    assert digest_of(encode_entry(one)) != digest_of(encode_entry(other))


@given(st.integers(1, MAX_ID), st.integers(1, MAX_ID))
def test_write_timestamps_follow_the_versions(one: int, other: int) -> None:
    assert timestamp_us(1) == EPOCH_MS * 1000
    assert timestamp_us(min(one, other)) <= timestamp_us(max(one, other)) < 2**63
