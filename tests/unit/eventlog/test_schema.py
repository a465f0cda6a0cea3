"""Events: one topic each, unknown types are skipped, unknown fields ignored, damage is Corrupt."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Corrupt
from core.ids import TweetId, UserId
from core.types import Tweet, User
from eventlog.envelope import decode_envelope, encode_envelope
from eventlog.schema import (
    DEAD_LETTERS,
    EVENTS,
    FACT_TOPICS,
    TELEMETRY_TOPICS,
    Event,
    FollowSet,
    LikeSet,
    TweetCreated,
    UserCreated,
    Viewed,
    decode_event,
    record_of,
)
from tests.unit.eventlog.test_golden_events import EXAMPLES


def carrying(type_name: str, data: bytes) -> bytes:
    return encode_envelope(type=type_name, id=1, ts_ms=2, key=3, ver=4, data=data)


def read(type_name: str, data: bytes) -> Event | None:
    return decode_event(decode_envelope(carrying(type_name, data)))


def test_every_event_belongs_to_a_topic_of_the_contracts() -> None:
    topics = {*FACT_TOPICS, *TELEMETRY_TOPICS, DEAD_LETTERS}
    assert {event.topic for event in EVENTS.values()} == topics
    assert set(FACT_TOPICS).isdisjoint(TELEMETRY_TOPICS)


def test_a_record_goes_to_its_events_topic_under_its_key() -> None:
    event = FollowSet(10, 20, on=True)
    record = record_of(event, id=99, ts_ms=5, key=10)
    assert (record.topic, record.key) == ("graph.v1", 10)
    envelope = decode_envelope(record.value)
    assert (envelope.type, envelope.id, envelope.ts_ms, envelope.key) == ("follow.set", 99, 5, 10)
    assert envelope.ver == 99
    assert decode_event(envelope) == event
    assert decode_envelope(record_of(event, id=99, ts_ms=5, key=10, ver=7).value).ver == 7


def test_a_type_that_is_not_known_is_none() -> None:
    assert read("tweet.unheard_of", b"\x80") is None
    assert read("", b"\xc0") is None


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_a_field_that_is_not_known_is_ignored(name: str) -> None:
    fields: dict[str, Any] = msgspec.msgpack.Decoder().decode(msgspec.msgpack.encode(EXAMPLES[name]))
    assert read(name, msgspec.msgpack.encode(fields | {"later": {"x": [1]}})) == EXAMPLES[name]


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_a_field_that_is_missing_or_of_another_type_is_corrupt(name: str) -> None:
    fields: dict[str, Any] = msgspec.msgpack.Decoder().decode(msgspec.msgpack.encode(EXAMPLES[name]))
    first = next(iter(fields))
    for damaged in (
        {key: value for key, value in fields.items() if key != first},
        fields | {first: [1]},
    ):
        with pytest.raises(Corrupt, match=name):
            read(name, msgspec.msgpack.encode(damaged))


@pytest.mark.parametrize(
    "data",
    [
        b"\xc0",
        b"\x90",
        b"\x84\xa4user\x01\xa6handle\xa2\xff\xfe\xacdisplay_name\xa1a\xaacreated_ms\x01",
    ],
    ids=["nothing", "a list", "no UTF-8"],
)
def test_data_that_does_not_decode_is_corrupt(data: bytes) -> None:
    with pytest.raises(Corrupt, match=r"user\.created"):
        read("user.created", data)


def test_a_kind_of_view_that_is_not_known_is_corrupt() -> None:
    fields = msgspec.msgpack.Decoder().decode(msgspec.msgpack.encode(EXAMPLES["view.recorded"]))
    with pytest.raises(Corrupt, match="kind"):
        read("view.recorded", msgspec.msgpack.encode(fields | {"kind": "blinked"}))


@given(st.sampled_from(sorted(EVENTS)), st.data())
def test_a_flipped_byte_is_read_or_corrupt_and_nothing_else(name: str, data: st.DataObject) -> None:
    whole = msgspec.msgpack.encode(EXAMPLES[name])
    position = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255))
    raw = whole[:position] + bytes([byte]) + whole[position + 1 :]
    with contextlib.suppress(Corrupt):
        assert isinstance(read(name, raw), EVENTS[name])


def test_events_of_the_first_release_may_lack_what_came_later() -> None:
    like = read("like.set", msgspec.msgpack.encode({"user": 1, "tweet": 2, "on": True}))
    assert like == LikeSet(1, 2, on=True)
    view = {"viewer": 1, "request_id": b"r", "tweet": 2, "author": 3, "kind": "seen"}
    assert read("view.recorded", msgspec.msgpack.encode(view)) == Viewed(1, b"r", 2, 3, "seen", -1, 0)


def test_events_carry_the_whole_of_what_they_tell() -> None:
    tweet = Tweet(TweetId(1), UserId(2), "text", 3, TweetId(4), TweetId(5))
    assert TweetCreated.of(tweet) == TweetCreated(1, 2, "text", 3, 4, 5)
    assert UserCreated.of(User(UserId(1), "ada", "Ada", 2)) == UserCreated(1, "ada", "Ada", 2)
