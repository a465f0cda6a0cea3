"""What clients carry for us and may not change: cursors and tracking tokens, both with an HMAC.

The viewer is part of what is signed and not of what is carried, so a token works for nobody else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
import uuid
from dataclasses import dataclass

import msgspec

from core.errors import CursorInvalid, InvalidField
from core.ids import UserId
from ranking.query import FeedPosition, Mode

CURSOR_VERSION = 1
MAX_CURSOR_CHARS = 200
CURSOR_MAC_BYTES = 8
TRACKING_VERSION = 1
TRACKING_MAC_BYTES = 12
MAX_TRACKING_CHARS = 72

_TRACKING = struct.Struct(">B16sqqH")


class _Cursor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: int
    m: Mode
    b: int = 0
    s: str = ""
    p: int = 0
    f: int = 0


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Cursor)


@dataclass(frozen=True, slots=True)
class Tracked:
    """What a tracking token vouches for: this viewer was served this tweet, there, in that request."""

    request_id: uuid.UUID
    tweet: int
    author: int
    position: int


class Signer:
    """Signs with keys derived from one secret, a key a purpose."""

    def __init__(self, secret: bytes) -> None:
        self._cursor_key = hashlib.blake2b(b"cursor", key=secret, digest_size=32).digest()
        self._tracking_key = hashlib.blake2b(b"tracking", key=secret, digest_size=32).digest()

    def cursor(self, viewer: UserId, position: FeedPosition) -> str:
        body = _encoder.encode(
            _Cursor(
                CURSOR_VERSION,
                position.mode,
                position.below,
                position.slate,
                position.index,
                position.floor,
            )
        )
        return _text(body + _mac(self._cursor_key, viewer, body, CURSOR_MAC_BYTES))

    def read_cursor(self, viewer: UserId, text: str) -> FeedPosition:
        """Raises CursorInvalid for anything that this feed did not make for this viewer."""
        raw = _bytes(text) if len(text) <= MAX_CURSOR_CHARS else None
        if raw is not None and len(raw) > CURSOR_MAC_BYTES:
            body, mac = raw[:-CURSOR_MAC_BYTES], raw[-CURSOR_MAC_BYTES:]
            if hmac.compare_digest(mac, _mac(self._cursor_key, viewer, body, CURSOR_MAC_BYTES)):
                try:
                    cursor = _decoder.decode(body)
                except msgspec.MsgspecError:
                    cursor = None
                if cursor is not None and cursor.v == CURSOR_VERSION:
                    return FeedPosition(cursor.m, cursor.b, cursor.s, cursor.p, cursor.f)
        raise CursorInvalid(
            "take `next_cursor` of the page before, unchanged and with the same token, or leave it out",
            field="cursor",
            limit=MAX_CURSOR_CHARS,
        )

    def tracking(self, viewer: UserId, tracked: Tracked) -> str:
        body = _TRACKING.pack(
            TRACKING_VERSION,
            tracked.request_id.bytes,
            tracked.tweet,
            tracked.author,
            min(tracked.position, 0xFFFF),
        )
        return _text(body + _mac(self._tracking_key, viewer, body, TRACKING_MAC_BYTES))

    def read_tracking(self, viewer: UserId, text: str) -> Tracked:
        """Raises InvalidField for a token that was not issued to this viewer."""
        raw = _bytes(text) if len(text) <= MAX_TRACKING_CHARS else None
        if raw is not None and len(raw) == _TRACKING.size + TRACKING_MAC_BYTES:
            body, mac = raw[: _TRACKING.size], raw[_TRACKING.size :]
            if hmac.compare_digest(mac, _mac(self._tracking_key, viewer, body, TRACKING_MAC_BYTES)):
                version, request_id, tweet, author, position = _TRACKING.unpack(body)
                if version == TRACKING_VERSION:
                    return Tracked(uuid.UUID(bytes=request_id), tweet, author, position)
        raise InvalidField("not a tracking token of this viewer's feed", field="tracking")


def _mac(key: bytes, viewer: UserId, body: bytes, size: int) -> bytes:
    return hmac.digest(key, viewer.to_bytes(8, "big") + body, "sha256")[:size]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes | None:
    """None for what is not base64url; a token has one spelling only."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if _text(raw) == text else None
