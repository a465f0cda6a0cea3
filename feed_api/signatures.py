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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from core.errors import CursorInvalid, InvalidField
from core.ids import UserId
from ranking.query import FeedPosition

CURSOR_VERSION = 1
MAX_CURSOR_CHARS = 200
CURSOR_MAC_BYTES = 8
TRACKING_VERSION = 1
TRACKING_MAC_BYTES = 12
MAX_TRACKING_CHARS = 72

_URLSAFE = bytes.maketrans(b"+/", b"-_")
_TRACKING = struct.Struct(">B16sqqH")


class _Cursor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`t` and `u` came later: what was signed before has none."""

    v: int
    m: Literal["c", "r", "u"]
    b: int = 0
    s: str = ""
    p: int = 0
    f: int = 0
    t: int = 0
    u: int = 0


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
        # Keys that are set up already: to do that again takes longer than to sign.
        self._cursor_mac = _begun(hashlib.blake2b(b"cursor", key=secret, digest_size=32).digest())
        self._tracking_mac = _begun(hashlib.blake2b(b"tracking", key=secret, digest_size=32).digest())

    def cursor(self, viewer: UserId, position: FeedPosition) -> str:
        told: dict[str, int | str] = {
            "v": CURSOR_VERSION,
            "m": position.mode,
            "b": position.below,
            "s": position.slate,
            "p": position.index,
            "f": position.floor,
        }
        if position.top:
            told["t"] = position.top
        return self._signed(viewer, told)

    def read_cursor(self, viewer: UserId, text: str) -> FeedPosition:
        """Raises CursorInvalid for anything that this feed did not make for this viewer."""
        cursor = self._read(viewer, text)
        if cursor is None or cursor.m == "u":
            raise _invalid()
        return FeedPosition(cursor.m, cursor.b, cursor.s, cursor.p, cursor.f, cursor.t)

    def user_cursor(self, viewer: UserId, user: UserId, below: int) -> str:
        """For the next page of a user's own tweets."""
        return self._signed(viewer, {"v": CURSOR_VERSION, "m": "u", "b": below, "u": user})

    def read_user_cursor(self, viewer: UserId, user: UserId, text: str) -> int:
        """The id below which it goes on; raises CursorInvalid, also for another user's."""
        cursor = self._read(viewer, text)
        if cursor is None or cursor.m != "u" or cursor.u != user:
            raise _invalid()
        return cursor.b

    def _signed(self, viewer: UserId, told: Mapping[str, int | str]) -> str:
        body = _encoder.encode(told)
        return _text(body + _mac(self._cursor_mac, viewer, body, CURSOR_MAC_BYTES))

    def _read(self, viewer: UserId, text: str) -> _Cursor | None:
        raw = _bytes(text) if len(text) <= MAX_CURSOR_CHARS else None
        if raw is None or len(raw) <= CURSOR_MAC_BYTES:
            return None
        body, mac = raw[:-CURSOR_MAC_BYTES], raw[-CURSOR_MAC_BYTES:]
        if not hmac.compare_digest(mac, _mac(self._cursor_mac, viewer, body, CURSOR_MAC_BYTES)):
            return None
        try:
            cursor = _decoder.decode(body)
        except msgspec.MsgspecError:
            return None
        return cursor if cursor.v == CURSOR_VERSION else None

    def tracking(self, viewer: UserId, tracked: Tracked) -> str:
        return self.tracking_of(viewer, tracked.request_id)(tracked.tweet, tracked.author, tracked.position)

    def tracking_of(self, viewer: UserId, request_id: uuid.UUID) -> Callable[[int, int, int], str]:
        """Signs (tweet, author, position), all of one request: the key is set up once."""
        begun = self._tracking_mac.copy()
        begun.update(viewer.to_bytes(8, "big"))
        request = request_id.bytes

        def sign(tweet: int, author: int, position: int) -> str:
            body = _TRACKING.pack(TRACKING_VERSION, request, tweet, author, min(position, 0xFFFF))
            mac = begun.copy()
            mac.update(body)
            return _text(body + mac.digest()[:TRACKING_MAC_BYTES])

        return sign

    def read_tracking(self, viewer: UserId, text: str) -> Tracked:
        """Raises InvalidField for a token that was not issued to this viewer."""
        raw = _bytes(text) if len(text) <= MAX_TRACKING_CHARS else None
        if raw is not None and len(raw) == _TRACKING.size + TRACKING_MAC_BYTES:
            body, mac = raw[: _TRACKING.size], raw[_TRACKING.size :]
            if hmac.compare_digest(mac, _mac(self._tracking_mac, viewer, body, TRACKING_MAC_BYTES)):
                version, request_id, tweet, author, position = _TRACKING.unpack(body)
                if version == TRACKING_VERSION:
                    return Tracked(uuid.UUID(bytes=request_id), tweet, author, position)
        raise InvalidField("not a tracking token of this viewer's feed", field="tracking")


def _invalid() -> CursorInvalid:
    return CursorInvalid(
        "take `next_cursor` of the page before, unchanged and with the same token, or leave it out",
        field="cursor",
        limit=MAX_CURSOR_CHARS,
    )


def _begun(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod="sha256")


def _mac(begun: hmac.HMAC, viewer: UserId, body: bytes, size: int) -> bytes:
    mac = begun.copy()
    mac.update(viewer.to_bytes(8, "big") + body)
    return mac.digest()[:size]


def _text(raw: bytes) -> str:
    # As base64.urlsafe_b64encode, in half the time.
    return binascii.b2a_base64(raw, newline=False).translate(_URLSAFE, b"=").decode()


def _bytes(text: str) -> bytes | None:
    """None for what is not base64url; a token has one spelling only."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if _text(raw) == text else None
