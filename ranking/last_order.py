"""The order that a viewer was given before, brought up to now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ranking.candidate import TIMELINE_SOURCE, Candidates
from stores.ports import Ids
from stores.slates import Slate
from timelines.reader import Timeline


def again(timeline: Timeline, last: Slate) -> tuple[Candidates, int]:
    """What an earlier slate held and what the timeline has beside it, newest first, and behind that what
    was recommended; and the floor: the slate's, or higher where the list has lost its end since.

    Below the floor the order of time begins, so what the slate held there comes in that.
    """
    ids = timeline.ids[timeline.ids >= last.floor]
    floor = int(ids[-1]) if len(ids) else last.floor
    pinned: Ids = np.frombuffer(last.ids, "<i8")
    own = np.fromiter((source == TIMELINE_SOURCE for source in last.sources), np.bool_, len(last.sources))
    listed = np.union1d(ids, pinned[own & (pinned >= floor)])[::-1]
    names = [source for source in last.sources if source != TIMELINE_SOURCE]
    candidates = Candidates(
        np.concatenate([listed, pinned[~own]]), [*[TIMELINE_SOURCE] * len(listed), *names]
    )
    return candidates, floor


def as_pinned(ids: Ids, pinned: Ids) -> NDArray[np.intp]:
    """Places in `ids` (int64 [n]): those that `pinned` (int64 [m]) lacks, then the others as it has them."""
    if not len(pinned):
        return np.arange(len(ids))
    sorter = np.argsort(pinned)
    places = sorter[np.searchsorted(pinned, ids, sorter=sorter).clip(max=len(pinned) - 1)]
    return np.argsort(np.where(pinned[places] == ids, places, -1), kind="stable")
