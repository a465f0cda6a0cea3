"""Outbox entries: what comes back is what went in, and what is newer or damaged is told apart."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Corrupt, UnknownVersion
from core.ids import EPOCH_MS, MAX_ID, TweetId, UserId
from core.types import Tweet, User
from stores.cassandra.entry import (
    VERSION,
    EdgeVersions,
    Entry,
    Fact,
    FollowWritten,
    LikeWritten,
    TweetWritten,
    UserWritten,
    decode_entry,
    digest_of,
    encode_entry,
    timestamp_us,
)
from stores.ports import OutboxRecord

FACTS: list[tuple[Fact, int, int]] = [
    (TweetWritten(Tweet(TweetId(3), UserId(4), "№ 🎉", 5, TweetId(1), None)), 3, 4),
    (UserWritten(User(UserId(MAX_ID), "Ada", "Käte", 5)), MAX_ID, MAX_ID),
    (FollowWritten(1, 2, True, 9, EdgeVersions(3, 4)), 9, 1),
    (LikeWritten(1, 2, False, 9, EdgeVersions()), 9, 2),
]


@pytest.mark.parametrize(("fact", "event_id", "aggregate"), FACTS)
def test_an_entry_carries_the_whole_write(fact: Fact, event_id: int, aggregate: int) -> None:
    entry = Entry(VERSION, 17, fact, (OutboxRecord("tweets.v1", -5, bytes(range(256))),))
    decoded = decode_entry(encode_entry(entry))
    assert decoded == entry
    assert isinstance(decoded.records[0], OutboxRecord)
    assert (decoded.event_id, decoded.aggregate) == (event_id, aggregate)


def test_the_first_version_stays_readable() -> None:
    first = {
        "v": 1,
        "written_us": 17,
        "fact": {"type": "follow", "follower": 1, "followee": 2, "on": True, "ver": 9, "before": [3, 4]},
        "records": [["graph.v1", 1, b"event"]],
    }
    entry = Entry(1, 17, FACTS[2][0], (OutboxRecord("graph.v1", 1, b"event"),))
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
