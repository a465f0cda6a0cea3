"""The envelope: newer is told apart from damaged, and nothing else ever comes out of bad bytes."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import Corrupt, UnknownVersion
from eventlog.envelope import VERSION, Envelope, addressed, decode_envelope, encode_envelope

FIELDS: dict[str, Any] = {
    "v": 1,
    "type": "like.set",
    "id": 5,
    "ts_ms": 6,
    "key": 7,
    "ver": 8,
    "region": "eu",
    "trace": "t",
    "data": {"on": True},
}
WHOLE = msgspec.msgpack.encode(FIELDS)
DEEP = b"\x91" * 100_000 + b"\xc0"


def without(*names: str, **others: object) -> bytes:
    return msgspec.msgpack.encode(
        {name: value for name, value in FIELDS.items() if name not in names} | others
    )


@given(
    st.text(max_size=30),
    st.integers(1, 2**63 - 1),
    st.integers(0, 2**53),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 2**63 - 1),
    st.text(max_size=10),
)
def test_an_envelope_comes_back_as_it_was_written(
    type_name: str, id_: int, ts_ms: int, key: int, ver: int, text: str
) -> None:
    data = msgspec.msgpack.encode({"a": [1, None]})
    raw = encode_envelope(
        type=type_name, id=id_, ts_ms=ts_ms, key=key, ver=ver, data=data, region=text, trace=text
    )
    decoded = decode_envelope(raw)
    assert decoded == Envelope(VERSION, type_name, id_, ts_ms, key, ver, msgspec.Raw(data), text, text)
    assert bytes(decoded.data) == data


def test_a_field_that_is_not_known_is_ignored() -> None:
    assert decode_envelope(without(later={"deep": [1, 2]}, more=None)) == decode_envelope(WHOLE)


def test_region_and_trace_may_be_missing() -> None:
    decoded = decode_envelope(without("region", "trace"))
    assert (decoded.region, decoded.trace) == ("local", "")


def test_an_event_may_be_for_one_group_alone_and_is_as_it_was_besides() -> None:
    raw = addressed(without(later=[1, 2]), "lake")
    decoded = decode_envelope(raw)
    assert (decoded.is_for("lake"), decoded.is_for("fanout")) == (True, False)
    assert msgspec.msgpack.Decoder().decode(raw) == {**FIELDS, "later": [1, 2], "group": "lake"}
    assert decode_envelope(addressed(raw, "fanout")).is_for("fanout")
    assert decode_envelope(WHOLE).is_for("whoever")
    with pytest.raises(Corrupt):
        addressed(b"\xc1", "lake")


@pytest.mark.parametrize(
    "raw",
    [
        without(v=2),
        without("data", "key", v=2),
        without(v=99, id="no longer a number"),
        msgspec.msgpack.encode({"v": 3}),
    ],
    ids=["same shape", "fields gone", "other types", "nothing but the version"],
)
def test_a_newer_envelope_is_told_apart_whatever_its_shape(raw: bytes) -> None:
    with pytest.raises(UnknownVersion, match="this code knows 1"):
        decode_envelope(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xc1",
        b"{}",
        b"\xc0",
        WHOLE + b"\x00",
        without("data"),
        without("v"),
        without("id"),
        without(v="1"),
        without(v=True),
        without(id=1.5),
        without(type=None),
        WHOLE.replace(b"like.set", b"like\xff\xfeet"),
        DEEP,
        without("data")[:1].replace(b"\x88", b"\x89") + without("data")[1:] + b"\xa4data" + DEEP,
    ],
)
def test_what_is_no_envelope_is_corrupt(raw: bytes) -> None:
    with pytest.raises(Corrupt) as caught:
        decode_envelope(raw)
    assert type(caught.value) is Corrupt


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_an_envelope_that_was_cut_off_is_corrupt(length: int) -> None:
    with pytest.raises(Corrupt):
        decode_envelope(WHOLE[:length])


@given(st.binary(max_size=200))
@example(DEEP)
def test_junk_is_corrupt_and_nothing_else(raw: bytes) -> None:
    with pytest.raises(Corrupt):
        decode_envelope(raw)


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_a_flipped_byte_is_read_or_corrupt_and_nothing_else(position: int, byte: int) -> None:
    raw = WHOLE[:position] + bytes([byte]) + WHOLE[position + 1 :]
    with contextlib.suppress(Corrupt):
        assert isinstance(decode_envelope(raw), Envelope)
