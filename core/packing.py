"""Values with a version byte in front: what caches hold. Whatever cannot be read is a miss."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")

MALFORMED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not what was asked for."""


class VersionedCodec(Generic[T]):
    """One byte of version, then MessagePack."""

    def __init__(self, version: int, type_: type[T]) -> None:
        self.version = version
        self._prefix = bytes([version])
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(type_)

    def encode(self, value: T) -> bytes:
        return self._prefix + self._encoder.encode(value)

    def decode(self, raw: bytes | None) -> T | None:
        """None for a miss, for another version, and for bytes that do not decode."""
        if raw is None or not raw.startswith(self._prefix):
            return None
        try:
            value: T = self._decoder.decode(memoryview(raw)[1:])
        except MALFORMED:
            return None
        return value
