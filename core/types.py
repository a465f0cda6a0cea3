"""Domain types: plain, frozen, and the same on every floor."""

from __future__ import annotations

from typing import Literal

import msgspec

from core.ids import TweetId, UserId

MAX_TEXT_CODE_POINTS = 280
MAX_HANDLE_CHARS = 15
MAX_DISPLAY_NAME_CHARS = 50

EngagementType = Literal["seen", "click", "dwell", "hide", "report"]


class User(msgspec.Struct, frozen=True, array_like=True):
    """A profile. `handle` is unique whatever its case; times are UTC milliseconds."""

    user_id: UserId
    handle: str
    display_name: str
    created_ms: int


class Tweet(msgspec.Struct, frozen=True, array_like=True):
    """A tweet as it was written; what changes about it (counts, flags) lives elsewhere."""

    tweet_id: TweetId
    author_id: UserId
    text: str
    created_ms: int
    reply_to: TweetId | None = None
    retweet_of: TweetId | None = None
