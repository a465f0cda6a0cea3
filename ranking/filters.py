"""What may not be shown. Filters do no I/O, never reorder, and run before anything is scored."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ranking.candidate import Hydrated
from timelines.reader import Timeline


class Filter(Protocol):
    name: str

    def allowed(self, candidates: Hydrated, timeline: Timeline) -> NDArray[np.bool_]:
        """bool [n_candidates]: which of them this viewer may see."""
        ...


class GoneFilter:
    """Tweets that do not exist (any more)."""

    name = "gone"

    def allowed(self, candidates: Hydrated, timeline: Timeline) -> NDArray[np.bool_]:
        return candidates.authors() > 0


class NotFollowedFilter:
    """Tweets of authors whom the viewer does not follow any more: lists are not swept on unfollow."""

    name = "not_followed"

    def allowed(self, candidates: Hydrated, timeline: Timeline) -> NDArray[np.bool_]:
        return np.isin(candidates.authors(), timeline.authors)


def visible(candidates: Hydrated, timeline: Timeline, filters: tuple[Filter, ...]) -> Hydrated:
    """What is left after all filters, cheapest first, in the same order."""
    for filter_ in filters:
        candidates = candidates.keep(filter_.allowed(candidates, timeline))
    return candidates
