"""Parameters and cursors that are none: a 4xx that names field and limit, and nothing changed."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import msgspec
import pytest

from core.ids import UserId
from feed_api.signatures import Signer
from ranking.query import FeedPosition
from tests.e2e.live_stack import LiveStack
from tests.integration.bad_input import FULL_WIDTH, Circle, refused

PARAMETERS: dict[str, tuple[str, str, int | None]] = {
    "limit 0": ("limit=0", "limit", 1),
    "limit -1": ("limit=-1", "limit", 1),
    "limit 101": ("limit=101", "limit", 100),
    "limit huge": ("limit=" + "9" * 100, "limit", 100),
    "limit NaN": ("limit=NaN", "limit", None),
    "limit infinite": ("limit=inf", "limit", None),
    "limit a word": ("limit=ten", "limit", None),
    "limit empty": ("limit=", "limit", None),
    "limit not whole": ("limit=1.5", "limit", None),
    "limit full-width": ("limit=" + FULL_WIDTH, "limit", None),
    "limit NUL": ("limit=%00", "limit", None),
    "unknown": ("foo=1", "foo", None),
    "unknown, not UTF-8": ("%ff=1", "\ufffd", None),
    "misspelt": ("algoritm=ranked", "algoritm", None),
    "an objective of one's own": ("objective=satisfaction", "objective", None),
    "an unknown algorithm": ("algorithm=random", "algorithm", None),
    "an algorithm in capitals": ("algorithm=RANKED", "algorithm", None),
    "no algorithm": ("algorithm=", "algorithm", None),
    "a refresh in words": ("refresh=yes", "refresh", None),
    "no refresh": ("refresh=", "refresh", None),
    "refresh 2": ("refresh=2", "refresh", None),
}


@pytest.mark.parametrize(("query", "field", "limit"), list(PARAMETERS.values()), ids=list(PARAMETERS))
async def test_a_parameter_that_is_none(query: str, field: str, limit: int | None, circle: Circle) -> None:
    refused(await circle.reader.call("GET", f"/v1/feed?{query}"), "invalid_field", field, limit)


def _signed(stack: LiveStack, viewer: int, body: Any) -> str:
    """A cursor that is signed as ours are, whatever it says."""
    packed = msgspec.msgpack.encode(body)
    key = hashlib.blake2b(b"cursor", key=stack.keys.secret, digest_size=32).digest()
    mac = hmac.digest(key, viewer.to_bytes(8, "big") + packed, "sha256")[:8]
    return base64.urlsafe_b64encode(packed + mac).rstrip(b"=").decode()


async def test_a_cursor_that_is_none(stack: LiveStack, circle: Circle) -> None:
    cursor = (await circle.reader.page(limit=1))["next_cursor"]
    foreign = (await circle.writer.page(limit=1))["next_cursor"]
    viewer = circle.reader.user_id
    own = {"v": 1, "m": "c", "b": 1, "s": "", "p": 1, "f": 0}
    assert (await circle.reader.page(limit=1, cursor=_signed(stack, viewer, own)))["tweets"] == []
    for bad in (
        *("", "x", "=", "!!!!", "é", "\x00", "A" * 200, "A" * 201, "A" * 5_000),
        *(
            cursor[:-1],
            cursor[1:],
            cursor + "A",
            cursor + "=",
            cursor + " ",
            cursor.swapcase(),
            cursor[: len(cursor) // 2],
        ),
        foreign,
        _signed(stack, viewer, own | {"v": 2}),
        _signed(stack, viewer, own | {"v": "1"}),
        _signed(stack, viewer, own | {"m": "x"}),
        _signed(stack, viewer, own | {"more": 1}),
        _signed(stack, viewer, {"v": 1}),
        _signed(stack, viewer, [1]),
    ):
        answer = await circle.reader.call("GET", "/v1/feed", params={"cursor": bad})
        refused(answer, "cursor_invalid", "cursor", 200)


async def test_a_ranked_cursor_in_a_chronological_feed(stack: LiveStack, circle: Circle) -> None:
    position = FeedPosition("r", slate="s", index=1, floor=1)
    cursor = Signer(stack.keys.secret).cursor(UserId(circle.reader.user_id), position)
    answer = await circle.reader.call(
        "GET", "/v1/feed", params={"cursor": cursor, "algorithm": "chronological"}
    )
    refused(answer, "cursor_invalid", "cursor")


async def test_a_refresh_in_the_middle_of_a_scroll(circle: Circle) -> None:
    cursor = (await circle.reader.page(limit=1))["next_cursor"]
    answer = await circle.reader.call("GET", "/v1/feed", params={"cursor": cursor, "refresh": "1"})
    refused(answer, "invalid_field", "refresh")
