"""Conditional reads (RFC 9110): what a client has already is not sent again.

A tag is weak, over what the client would see: not over request ids, tracking tokens and timings,
which are new each time. It includes the viewer, for what is signed works for nobody else.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from fastapi import Request, Response

from core.ids import UserId
from ranking.query import FeedPage

STALE_IF_ERROR_S = 300
HEADERS: Mapping[str, str] = {
    "Cache-Control": f"private, no-cache, stale-if-error={STALE_IF_ERROR_S}",
    "Vary": "Authorization",
}
DIGEST_BYTES = 12

DOCUMENTED: dict[int | str, dict[str, Any]] = {304: {"description": "What is there already is as good"}}
PARAMETER: Mapping[str, Any] = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The `ETag` of what is there already, or several",
}
_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_encoder = msgspec.msgpack.Encoder()


def feed_tag(viewer: UserId, page: FeedPage) -> str:
    """Of all that is shown of the items, their order, whether more follow, and how the page was made."""
    meta = page.meta
    return _tag(
        _encoder.encode(
            (
                viewer,
                page.items,
                page.next_position is not None,
                meta.algorithm_served,
                meta.rung,
                meta.reason,
                meta.partial,
            )
        )
    )


def body_tag(body: bytes) -> str:
    """Of an answer that says the same to everybody."""
    return _tag(body)


def tags_of(request: Request) -> list[str]:
    """What the client says it has: several lines are one list."""
    return request.headers.getlist("If-None-Match")


def is_known(tag: str, if_none_match: Sequence[str]) -> bool:
    """Whether the client has what this tag stands for; `*` is anything, nonsense is nothing."""
    opaque = tag.removeprefix("W/").strip('"')
    return any(value.strip() == "*" or opaque in _TAG.findall(value) for value in if_none_match)


def answer(request: Request, tag: str, body: bytes) -> Response:
    """The body with its tag, or 304 without it."""
    if is_known(tag, tags_of(request)):
        return not_modified(tag)
    return Response(body, media_type="application/json", headers={"ETag": tag, **HEADERS})


def not_modified(tag: str) -> Response:
    return Response(status_code=304, headers={"ETag": tag, **HEADERS})


def _tag(raw: bytes) -> str:
    digest = hashlib.blake2b(raw, digest_size=DIGEST_BYTES).digest()
    return f'W/"{base64.urlsafe_b64encode(digest).decode()}"'
