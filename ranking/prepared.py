"""A page that was made and not served yet: nothing of it is pinned, and nothing recorded."""

from __future__ import annotations

import msgspec

from ranking.page_walk import Shown
from ranking.pipeline import Ranked
from ranking.query import FeedItem, FeedMeta, FeedPage, FeedPosition, FeedQuery, Mode
from stores.slates import Slate
from timelines.reader import Timeline


class Answer(msgspec.Struct, frozen=True):
    """A page before it is cut: one item more than asked for, if there is one.

    `ranked` is the slate where it was made for this page: it is not in the store yet. Of a page that was
    made without the store nobody knows whether it was the last. `top` is the highest id of the scroll.
    """

    shown: list[Shown]
    meta: FeedMeta
    slate: Slate | None
    first_index: int
    in_slate: int
    top: int
    without_store: bool
    ranked: Ranked | None = None


class Prepared(msgspec.Struct, frozen=True):
    page: FeedPage
    timeline: Timeline
    answer: Answer


def cut(query: FeedQuery, answer: Answer) -> FeedPage:
    """The page that was asked for, and where the next one begins."""
    page = answer.shown[: query.limit]
    slate = answer.slate
    items = [
        FeedItem(
            one.tweet,
            one.author,
            answer.first_index + (one.place if slate is not None else i),
            one.root,
            one.root_author,
            one.source,
        )
        for i, one in enumerate(page)
    ]
    following = None
    if len(answer.shown) > query.limit or answer.without_store:
        last = page[-1]
        if slate is None:
            # Whose slate was lost goes on as a ranked scroll: of what it was recommended nothing comes again.
            mode: Mode = "c" if query.position is None else query.position.mode
            name = "" if query.position is None else query.position.slate
            following = FeedPosition(
                mode, below=last.tweet.tweet_id, slate=name, index=items[-1].position + 1, top=answer.top
            )
        else:
            following = FeedPosition(
                "r",
                below=last.tweet.tweet_id if len(page) > answer.in_slate else 0,
                slate=slate.slate_id,
                index=items[-1].position + 1,
                floor=slate.floor,
                top=answer.top,
            )
    return FeedPage(items, following, answer.meta)
