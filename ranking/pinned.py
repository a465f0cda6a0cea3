"""What a pinned order holds, and from where."""

from __future__ import annotations

import numpy as np

from ranking.candidate import TIMELINE_SOURCE
from stores.slates import Slate


def recommended(slate: Slate) -> list[int]:
    """The roots in it that come from elsewhere than the timeline; each is its own."""
    if slate.sources.count(TIMELINE_SOURCE) == len(slate.sources):
        return []
    told = zip(np.frombuffer(slate.ids, "<i8").tolist(), slate.sources, strict=True)
    return [one for one, source in told if source != TIMELINE_SOURCE]


def highest(slate: Slate) -> int:
    """Of the timeline's: what is recommended says nothing of where the scroll began."""
    told = zip(np.frombuffer(slate.ids, "<i8").tolist(), slate.sources, strict=True)
    return max((one for one, source in told if source == TIMELINE_SOURCE), default=0)
