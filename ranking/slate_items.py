"""The records of one page: what was shown of its slate, and the whole of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eventlog.schema import Scored, Served, ServedItem
from features.moments import HOME
from ranking.pipeline import Ranked
from ranking.query import FeedItem, FeedPage, FeedQuery
from stores.slates import Slate


def served_event(query: FeedQuery, page: FeedPage, slate: Slate | None, in_slate: int) -> Served:
    """What this request served; the first `in_slate` items come from the slate."""
    return Served(
        viewer=query.viewer,
        request_id=query.request_id.bytes,
        now_ms=slate.as_of_ms if slate is not None else query.now_ms,
        algorithm=page.meta.algorithm_served,
        rung=page.meta.rung,
        reason=page.meta.reason,
        model=page.meta.model,
        objective=page.meta.objective,
        schema_hash=slate.schema_hash if slate is not None else None,
        items=served_items(page.items, slate, in_slate),
        surface=HOME,
    )


def scored_event(query: FeedQuery, ranked: Ranked) -> Scored | None:
    """Every candidate of a slate that was made for this request; None where nothing could be scored."""
    slate = ranked.slate
    if not slate.scores:
        return None
    return Scored(
        viewer=query.viewer,
        request_id=query.request_id.bytes,
        now_ms=slate.as_of_ms,
        slate=slate.slate_id,
        model=slate.model,
        objective=slate.objective,
        schema_hash=slate.schema_hash,
        sources=slate.sources,
        views=slate.views,
        tweets=ranked.tweets.roots.astype("<i8").tobytes(),
        authors=ranked.tweets.root_authors.astype("<i8").tobytes(),
        heads=slate.heads,
        scores=slate.scores,
        features=slate.features,
        rows=slate.rows,
        multipliers=slate.multipliers,
        places=slate.places,
        seen=slate.seen,
    )


def served_items(items: Sequence[FeedItem], slate: Slate | None, in_slate: int) -> list[ServedItem]:
    """One record an item, of its root; the first `in_slate` of them carry what the slate knows of them."""
    plain = [
        ServedItem(item.root.tweet.tweet_id, item.root.tweet.author_id, item.position, item.source)
        for item in items
    ]
    if slate is None or not slate.scores:
        return plain
    n = len(slate.sources)
    heads = np.frombuffer(slate.heads, "<f4").reshape(n, -1)
    scores = np.frombuffer(slate.scores, "<f8")
    features = np.frombuffer(slate.features, "<f4").reshape(n, -1)
    rows = np.frombuffer(slate.rows, "<u4").reshape(n, len(slate.views), 2)
    multipliers, places = _multipliers(slate, n)
    seen = np.frombuffer(slate.seen, "<f8") if slate.seen else np.ones(n, np.float64)
    for place, item in enumerate(items[:in_slate]):
        at = item.position
        plain[place] = ServedItem(
            item.root.tweet.tweet_id,
            item.root.tweet.author_id,
            item.position,
            slate.sources[at],
            heads[at].tolist(),
            float(scores[at]),
            1.0,
            features[at].tobytes(),
            {view: (int(rows[at, i, 0]), int(rows[at, i, 1])) for i, view in enumerate(slate.views)},
            *multipliers[at].tolist(),
            *places[at].tolist(),
            *seen[at : at + 1].tolist(),
        )
    return plain


def _multipliers(slate: Slate, n: int) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """What multiplied the scores, and the places without diversity; plain ones of a slate without them."""
    if not slate.multipliers:
        return np.ones((n, 3), np.float64), np.full((n, 2), -1, np.int32)
    multipliers = np.frombuffer(slate.multipliers, "<f8").reshape(n, 3)
    return multipliers, np.frombuffer(slate.places, "<i4").reshape(n, 2)
