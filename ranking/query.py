"""What a client asks of the home feed, and what it gets."""

from __future__ import annotations

import uuid
from typing import Literal

import msgspec

from core.deadline import Deadline
from core.ids import UserId
from core.timings import Timings
from core.types import Tweet, User
from stores.tweet_cache import LiveTweet

Algorithm = Literal["chronological", "ranked"]
Mode = Literal["c", "r"]


class FeedPosition(msgspec.Struct, frozen=True):
    """Where a scroll stands; what a cursor carries.

    `below` is the last id served in time order (chronological pages and the tail of ranked ones),
    `slate` and `index` the pinned order and how far it was walked, `floor` the smallest id that
    was considered for that slate. `top` is the highest id of the scroll, 0 where nothing says.
    """

    mode: Mode
    below: int = 0
    slate: str = ""
    index: int = 0
    floor: int = 0
    top: int = 0


class FeedQuery(msgspec.Struct, frozen=True):
    """`refresh` asks for a timeline that was compared with the store just now."""

    viewer: UserId
    limit: int
    algorithm: Algorithm
    position: FeedPosition | None
    request_id: uuid.UUID
    now_ms: int
    deadline: Deadline
    timings: Timings
    refresh: bool = False


class FeedItem(msgspec.Struct, frozen=True, array_like=True):
    """One tweet of a page. `position` counts from 0 at the top of the scroll, anew in a remade slate.

    `root` is the tweet itself or what it retweets, `root_author` who wrote that: it is what is counted,
    tracked and learnt about. `source` is where it came from (`ranking.candidate`).
    """

    tweet: Tweet
    author: User
    position: int
    root: LiveTweet
    root_author: User
    source: str = "timeline"


class FeedMeta(msgspec.Struct, frozen=True):
    """How the answer was made. `reason` says why it is not what was asked for.

    `fewer` and `cached` are the rungs of a ranked feed between full and time order (`ranking.ladder`).
    `popular` is that of one without scores, for who follows nobody: what is popular, as popular as it is.
    """

    algorithm_asked: Algorithm
    algorithm_served: Algorithm
    rung: Literal["full", "fewer", "cached", "popular", "chronological", "last_page"]
    reason: str | None = None
    model: str | None = None
    objective: str | None = None
    slate: str | None = None
    remade: bool = False
    partial: bool = False


class FeedPage(msgspec.Struct, frozen=True):
    items: list[FeedItem]
    next_position: FeedPosition | None
    meta: FeedMeta
