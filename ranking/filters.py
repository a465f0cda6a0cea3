"""What may not be shown. Filters do no I/O, never reorder, and run before anything is scored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ranking.candidate import Hydrated
from stores.ports import Ids
from timelines.reader import Timeline

Tally = Callable[[str, int], None]
"""Hears a stage's name and how many candidates are left after it."""


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
    """Tweets of authors whom the viewer does not follow any more: lists are not swept on unfollow.

    What is recommended need not be by anybody whom the viewer follows.
    """

    name = "not_followed"

    def allowed(self, candidates: Hydrated, timeline: Timeline) -> NDArray[np.bool_]:
        return among(timeline.authors, candidates.authors) | candidates.recommended()


class StrangersFilter:
    """Recommendations are of strangers: what the viewer or a followee wrote is in the timeline, or was.

    And they are by themselves: a retweet says whose followers it is for.
    """

    name = "strangers"

    def allowed(self, candidates: Hydrated, timeline: Timeline) -> NDArray[np.bool_]:
        recommended = candidates.recommended()
        if not recommended.any():
            return ~recommended
        known: NDArray[np.bool_] = candidates.roots != candidates.ids
        known |= among(timeline.authors, candidates.authors)
        return ~(recommended & known)


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
FIRST_FILTERS: tuple[Filter, ...] = (*FILTERS, StrangersFilter())
"""Those of what is to be ranked. Who follows the author of a recommendation later sees it all the same."""


def visible(
    candidates: Hydrated, timeline: Timeline, filters: tuple[Filter, ...], tally: Tally | None = None
) -> Hydrated:
    """What is left after all filters, in the same order; `tally` hears how many are, after each."""
    mask = np.ones(len(candidates), np.bool_)
    for filter_ in filters:
        mask &= filter_.allowed(candidates, timeline)
        if tally is not None:
            tally(filter_.name, int(np.count_nonzero(mask)))
    return candidates.keep(mask)


def _neither_by_nor_of(users: Ids, candidates: Hydrated) -> NDArray[np.bool_]:
    if not len(users):
        return np.ones(len(candidates), np.bool_)
    return ~(among(users, candidates.authors) | among(users, candidates.root_authors))


def among(ids: Ids, wanted: Ids) -> NDArray[np.bool_]:
    """Which of `wanted` are in `ids`, sorted and not empty; np.isin takes ten times as long for a page."""
    places = ids.searchsorted(wanted)
    found: NDArray[np.bool_] = ids.take(places, mode="clip") == wanted
    return found
