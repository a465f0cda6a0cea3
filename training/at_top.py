"""What the first few items would have been worth, had what was shown together stood in another order.

The estimate is a re-ranking of what was shown: each order puts the same items of a request (or of a viewer's
day) in its own sequence, and what viewers really did with those that come first is counted. No order is
credited with an item that was not shown, and none pays for one. It says nothing of what people would have
done with other items; and it takes what somebody did with an item for what they would have done with it in
another place, which holds where an item was looked at (only what was seen is counted) and as far as looking
at it was all that its place changed.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from training.groups import Grouping, OfGroups, placed, resampled_mean
from training.resampling import Estimate, Floats, Resamples, estimate

DEPTHS = (1, 3, 5, 10)


class OtherTop(msgspec.Struct, frozen=True):
    """Another order: its worth, how far the model is above it, and that as a share of its own: null where
    its own is not above 0, and without an interval where it is not in some resample."""

    worth: Estimate
    gain: Estimate
    lift: Estimate


class Depth(msgspec.Struct, frozen=True):
    """The mean worth of an item among the first `first`, over `groups` with more items than that."""

    first: int
    groups: int
    viewers: int
    model: Estimate
    others: dict[str, OtherTop]


class TopReport(msgspec.Struct, frozen=True):
    """An item is worth the sum of `weights` of the heads whose events happened. `group` is what was
    ordered together, `impressions` those of which all these heads are known, `shown` what the first would be
    worth in an order by chance: the mean of each group of more than one item, and of these."""

    weights: dict[str, float]
    group: Grouping
    impressions: int
    shown: Estimate
    depths: list[Depth]


def at_top(
    worth: Floats,
    codes: NDArray[np.int64],
    own: Floats,
    others: Mapping[str, Floats],
    rows: NDArray[np.int64],
    viewers: NDArray[np.int64],
    resamples: Resamples,
) -> list[Depth]:
    """Of the rows `rows` int64 [m]: `worth`, `codes`, `viewers` and every score are [m] too. Depths that no
    group is larger than are left out. All that is compared is on the same resamples of viewers."""
    found = []
    for first in DEPTHS:
        mine = first_of(worth, own, codes, first)
        if not len(mine.rows):
            continue
        model = resampled_mean(mine, rows, resamples)
        compared = {}
        for name, scores in others.items():
            other = resampled_mean(first_of(worth, scores, codes, first), rows, resamples)
            with np.errstate(invalid="ignore", divide="ignore"):
                lift = np.where(other > 0, (model - other) / other, np.nan)
            compared[name] = OtherTop(estimate(other), estimate(model - other), _told_of_all(lift))
        n_viewers = len(np.unique(viewers[mine.rows]))
        found.append(Depth(first, len(mine.rows), n_viewers, estimate(model), compared))
    return found


def _told_of_all(share: Floats) -> Estimate:
    """Resamples without a share are no accident: those that have one are the higher or the lower ones."""
    one = estimate(share)
    return Estimate(one.value, None, None) if np.isnan(share).any() else one


def first_of(worth: Floats, scores: NDArray[np.floating], codes: NDArray[np.int64], first: int) -> OfGroups:
    """The mean worth of the first so many items, of every group that has more of them."""
    if not len(codes):
        return OfGroups(np.empty(0, np.int64), np.empty(0))
    there = placed(codes, scores, np.r_[np.full(first, 1.0 / first), 0.0])
    has_more = there.sizes > first
    return OfGroups(there.order[there.starts[has_more]], there.sums(worth)[has_more])
