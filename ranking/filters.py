"""What may not be shown. Filters do no I/O, never reorder, and run before anything is scored."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ranking.candidate import Hydrated
from stores.ports import Ids
from timelines.reader import Timeline


class Filter(Protocol):
    name: str

    def allowed(self, candidates: Hydrated, timeline: Timeline) -> NDArray[np.bool_]:
        """bool [n_candidates]: which of them this viewer may see."""
        ...


class GoneFilter:
    """Tweets that do not exist (any more), and retweets of such."""

    name = "gone"

    def allowed(self, candidates: Hydrated, timeline: Timeline) -> NDArray[np.bool_]:
        return candidates.authors > 0


class NotFollowedFilter:
    """Tweets of authors whom the viewer does not follow any more: lists are not swept on unfollow."""

    name = "not_followed"

    def allowed(self, candidates: Hydrated, timeline: Timeline) -> NDArray[np.bool_]:
        return _among(timeline.authors, candidates.authors)


class BlockedFilter:
    """What is by somebody who blocks the viewer or whom the viewer blocks, or repeats such a one's tweet."""

    name = "blocked"

    def allowed(self, candidates: Hydrated, timeline: Timeline) -> NDArray[np.bool_]:
        return _neither_by_nor_of(timeline.blocked, candidates)


class MutedFilter:
    """What is by somebody whom the viewer muted, or repeats such a one's tweet."""

    name = "muted"

    def allowed(self, candidates: Hydrated, timeline: Timeline) -> NDArray[np.bool_]:
        return _neither_by_nor_of(timeline.muted, candidates)


FILTERS: tuple[Filter, ...] = (GoneFilter(), NotFollowedFilter(), BlockedFilter(), MutedFilter())
"""Those of the home feed."""


def visible(candidates: Hydrated, timeline: Timeline, filters: tuple[Filter, ...]) -> Hydrated:
    """What is left after all filters, in the same order."""
    mask = np.ones(len(candidates), np.bool_)
    for filter_ in filters:
        mask &= filter_.allowed(candidates, timeline)
    return candidates.keep(mask)


def _neither_by_nor_of(users: Ids, candidates: Hydrated) -> NDArray[np.bool_]:
    if not len(users):
        return np.ones(len(candidates), np.bool_)
    return ~(_among(users, candidates.authors) | _among(users, candidates.root_authors))


def _among(users: Ids, wanted: Ids) -> NDArray[np.bool_]:
    """Which of `wanted` are in `users`, sorted and not empty; np.isin takes ten times as long for a page."""
    places = users.searchsorted(wanted)
    found: NDArray[np.bool_] = users.take(places, mode="clip") == wanted
    return found
