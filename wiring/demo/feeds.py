"""Two orders of one viewer's feed, beside each other, with the truth that only the simulation knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from rich.table import Table

from simulation.crowd import Crowd
from simulation.topics import TOPICS
from simulation.visit import LiveViewer, root_of
from simulation.world import viewer_name

SHOWN = 8
WORTH = (
    "worth is what a look is truly worth, in hundredths, 0 where there was one before; "
    "the product does not know it"
)


class FeedItem(NamedTuple):
    """What a feed shows, and in hundredths what a look at it is worth to the viewer, None where unknown."""

    text: str
    handle: str
    worth: float | None


class OneFeed(NamedTuple):
    """The first items of a page; `rung` and `model` are those of its meta."""

    algorithm: str
    rung: str
    model: str
    items: Sequence[FeedItem]

    @property
    def worth(self) -> float:
        return sum(one.worth or 0.0 for one in self.items)


class FeedsBeside(NamedTuple):
    """One viewer's feed in time order and ranked; `title` says what the viewer loves."""

    title: str
    feeds: Sequence[OneFeed]


async def side_by_side(crowd: Crowd, number: int) -> FeedsBeside:
    loves = np.argsort(crowd.world.viewers.interests[number])[::-1]
    title = (
        f"{viewer_name(number)}, who loves {TOPICS[loves[0]]} and {TOPICS[loves[1]]} "
        f"and does not care for {TOPICS[loves[-1]]}"
    )
    return FeedsBeside(title, [await _feed(crowd, number, name) for name in ("chronological", "ranked")])


def feeds_table(beside: FeedsBeside) -> Table:
    """For the terminal."""
    table = Table(title=beside.title, caption=WORTH)
    table.add_column("#", justify="right")
    for feed in beside.feeds:
        by = f" by {feed.model}" if feed.model else ""
        table.add_column("worth", justify="right", no_wrap=True, min_width=5)
        table.add_column(f"{feed.algorithm}{by} ({feed.rung})", overflow="ellipsis", no_wrap=True)
    for place in range(max(len(feed.items) for feed in beside.feeds)):
        cells = [str(place + 1)]
        for feed in beside.feeds:
            cells += _cells(feed.items[place]) if place < len(feed.items) else ("", "")
        table.add_row(*cells)
    return table


async def _feed(crowd: Crowd, number: int, algorithm: str) -> OneFeed:
    page = await crowd.viewers[number].client.feed(algorithm=algorithm, limit=SHOWN)
    meta = page["meta"]
    items = [_item(crowd, crowd.viewers[number], one) for one in page["tweets"]]
    return OneFeed(algorithm, meta["rung"], meta.get("model") or "", items)


def _item(crowd: Crowd, viewer: LiveViewer, item: dict[str, Any]) -> FeedItem:
    root, tweet_id = item.get("original") or item, root_of(item)
    worth = None
    if tweet_id in crowd.tweets:
        worth = 100 * float(viewer.worth([tweet_id])[0])
    return FeedItem(root["text"], root["author"]["handle"], worth)


def _cells(item: FeedItem) -> tuple[str, str]:
    return "" if item.worth is None else f"{item.worth:.0f}", f"{item.text} · @{item.handle}"
