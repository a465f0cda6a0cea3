"""Entries told to people: whatever is in one, it is a line."""

from __future__ import annotations

import msgspec
import pytest

from eventlog.envelope import encode_envelope
from eventlog.log import Entry
from eventlog.reading import as_json, type_of


def entry_of(value: bytes) -> Entry:
    return Entry("tweets.v1", 3, 9, 7, value, 1)


def enveloped(data: bytes) -> bytes:
    return encode_envelope(type="tweet.pinned", id=1, ts_ms=2, key=7, ver=1, data=data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(msgspec.msgpack.encode(msgspec.msgpack.Ext(5, b"x")), id="an extension"),
        pytest.param(msgspec.msgpack.encode({None: 1}), id="a key that is no name"),
        pytest.param(b"\x81\x91\x01\x01", id="a list as a key"),
        pytest.param(b"\xa2\xff\xfe", id="text that is no UTF-8"),
        pytest.param(b"\xc7\x0c\xff" + b"\xff" * 12, id="a time that is none"),
    ],
)
def test_an_event_that_json_cannot_hold_is_told_raw(data: bytes) -> None:
    line = msgspec.json.Decoder().decode(as_json(entry_of(enveloped(data))))
    assert line["error"].startswith("tweet.pinned: ")
    assert line["raw"]
    assert (line["topic"], line["partition"], line["offset"]) == ("tweets.v1", 3, 9)


def test_an_event_of_a_type_that_nobody_knows_is_told_as_it_is() -> None:
    line = msgspec.json.Decoder().decode(
        as_json(entry_of(enveloped(msgspec.msgpack.encode({"a": b"\x00", "b": [1]}))))
    )
    assert (line["type"], line["data"]) == ("tweet.pinned", {"a": "AA==", "b": [1]})


def test_the_type_is_told_where_there_is_one() -> None:
    assert type_of(entry_of(enveloped(b"\xc0"))) == "tweet.pinned"
    assert type_of(entry_of(b"no envelope")) is None
