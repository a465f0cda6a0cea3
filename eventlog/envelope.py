"""The envelope around every event: decoded first, so that an unknown type can be skipped."""

from __future__ import annotations

import msgspec

from core.errors import Corrupt, UnknownVersion
from core.packing import MALFORMED

VERSION = 1


class Envelope(msgspec.Struct, frozen=True):
    """One event on the wire, a MessagePack map.

    `id` is the event's Snowflake, `ts_ms` its own time (a partition's publication time may be
    later), `key` the aggregate that orders it, `ver` the version of that aggregate's state:
    consumers ignore what is older than what they have seen. `data` stays encoded. `group` is there where
    the event was published again for one group of consumers alone.
    """

    v: int
    type: str
    id: int
    ts_ms: int
    key: int
    ver: int
    data: msgspec.Raw
    region: str = "local"
    trace: str = ""
    group: str | msgspec.UnsetType = msgspec.UNSET

    def is_for(self, group: str) -> bool:
        return self.group is msgspec.UNSET or self.group == group


class _Version(msgspec.Struct, frozen=True):
    v: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Envelope)
_version_decoder = msgspec.msgpack.Decoder(_Version)
_fields_decoder = msgspec.msgpack.Decoder(dict[str, msgspec.Raw])


def encode_envelope(
    *, type: str, id: int, ts_ms: int, key: int, ver: int, data: bytes, region: str = "local", trace: str = ""
) -> bytes:
    return _encoder.encode(Envelope(VERSION, type, id, ts_ms, key, ver, msgspec.Raw(data), region, trace))


def decode_envelope(raw: bytes) -> Envelope:
    """Raises UnknownVersion for a newer envelope, Corrupt for anything that is none."""
    try:
        envelope = _decoder.decode(raw)
    except MALFORMED as exc:
        raise (_newer(raw) or Corrupt(f"not an event envelope: {exc}")) from exc
    if envelope.v != VERSION:
        raise UnknownVersion(f"envelope version {envelope.v}; this code knows {VERSION}")
    return envelope


def addressed(raw: bytes, group: str) -> bytes:
    """The same event for one group alone, fields that this code does not know included; raises Corrupt."""
    decode_envelope(raw)
    return _encoder.encode({**_fields_decoder.decode(raw), "group": group})


def _newer(raw: bytes) -> UnknownVersion | None:
    try:
        version = _version_decoder.decode(raw).v
    except MALFORMED:
        return None
    return (
        UnknownVersion(f"envelope version {version}; this code knows {VERSION}")
        if version > VERSION
        else None
    )
