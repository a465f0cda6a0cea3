"""Two orders of one viewer's feed, beside each other, with the truth that only the simulation knows."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich.table import Table

from simulation.crowd import Crowd
from simulation.topics import TOPICS
from simulation.visit import LiveViewer, root_of
from simulation.world import viewer_name

SHOWN = 8


async def side_by_side(crowd: Crowd, number: int) -> Table:
    """The first items in time order and ranked, each with what a look at it is worth to the viewer."""
    viewer = crowd.viewers[number]
    left = await viewer.client.feed(algorithm="chronological", limit=SHOWN)
    right = await viewer.client.feed(algorithm="ranked", limit=SHOWN)
    loves = np.argsort(crowd.world.viewers.interests[number])[::-1]
    table = Table(
        title=f"{viewer_name(number)}, who loves {TOPICS[loves[0]]} and {TOPICS[loves[1]]} "
        f"and does not care for {TOPICS[loves[-1]]}",
        caption="worth is what a look is truly worth, in hundredths, 0 where there was one before; "
        "the product does not know it",
    )
    table.add_column("#", justify="right")
    for name, page in (("chronological", left), (f"ranked by {right['meta']['model']}", right)):
        table.add_column("worth", justify="right", no_wrap=True, min_width=5)
        table.add_column(f"{name} ({page['meta']['rung']})", overflow="ellipsis", no_wrap=True)
    for place in range(max(len(left["tweets"]), len(right["tweets"]))):
        cells = [str(place + 1)]
        for page in (left, right):
            cells += _cells(crowd, viewer, page["tweets"][place]) if place < len(page["tweets"]) else ("", "")
        table.add_row(*cells)
    return table


def _cells(crowd: Crowd, viewer: LiveViewer, item: dict[str, Any]) -> tuple[str, str]:
    root, tweet_id = item.get("original") or item, root_of(item)
    words = f"{root['text']} · @{root['author']['handle']}"
    if tweet_id not in crowd.tweets:
        return "", words
    return f"{100 * viewer.worth([tweet_id])[0]:.0f}", words
