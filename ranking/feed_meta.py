"""What a page says of how it was made: what was served, on which rung, and why."""

from __future__ import annotations

from msgspec.structs import replace

from ranking.ladder import rung_of
from ranking.patience import Patience
from ranking.pinned import recommended
from ranking.query import Algorithm, FeedMeta, FeedQuery
from stores.slates import Slate
from timelines.reader import Timeline

CACHE_AWAY = "cache_away"
"""The reason of pages that were made from the store: complete, or `partial`, and never ranked."""
FOLLOWEES_OUTDATED = "followees_outdated"
"""The reason of `partial` pages that know nothing of the viewer's last follows and unfollows."""


def meta_of(query: FeedQuery, timeline: Timeline) -> FeedMeta:
    """What was asked for is what is served, so far."""
    reason = FOLLOWEES_OUTDATED if timeline.outdated else None
    if timeline.origin == "store":
        reason = CACHE_AWAY
    partial = timeline.partial or timeline.outdated
    return FeedMeta(query.algorithm, query.algorithm, "full", reason, partial=partial)


def degraded(meta: FeedMeta, reason: str | None) -> FeedMeta:
    """In the order of time, for this reason; None changes nothing."""
    if reason is None:
        return meta
    served: Algorithm = "chronological"
    return replace(meta, algorithm_served=served, rung="chronological", reason=reason)


def along(meta: FeedMeta, slate: Slate) -> FeedMeta:
    """Of a page in the order of a slate, whichever rung that was made on."""
    rung = rung_of(slate)
    if rung != "chronological":
        reason = slate.reason or meta.reason
        return replace(meta, rung=rung, reason=reason, model=slate.model, objective=slate.objective)
    # In time order, but for what is recommended.
    if recommended(slate):
        return replace(meta, rung="popular", reason=slate.reason)
    return degraded(meta, slate.reason)


def partial(meta: FeedMeta, patience: Patience) -> FeedMeta:
    """That the page lacks what there was no patience for, where it does."""
    return replace(meta, partial=True) if patience.partial else meta
