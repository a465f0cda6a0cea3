"""The served record of one page, from what was shown and the arrays of its slate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eventlog.schema import Served, ServedItem
from features.moments import HOME
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


def served_items(items: Sequence[FeedItem], slate: Slate | None, in_slate: int) -> list[ServedItem]:
    """One record an item, of its root; the first `in_slate` of them carry what the slate knows of them."""
    plain = [
        ServedItem(item.root.tweet.tweet_id, item.root.tweet.author_id, item.position, "timeline")
        for item in items
    ]
    if slate is None or slate.reason:
        return plain
    n = len(slate.sources)
    heads = np.frombuffer(slate.heads, "<f4").reshape(n, -1)
    scores = np.frombuffer(slate.scores, "<f8")
    features = np.frombuffer(slate.features, "<f4").reshape(n, -1)
    rows = np.frombuffer(slate.rows, "<u4").reshape(n, len(slate.views), 2)
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
        )
    return plain
