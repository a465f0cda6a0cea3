"""Ranking that answers in time and says nothing: rows that ought to be there, and scores that are all alike.

Most missing rows are nobody's fault: a new viewer has none, an old tweet's have expired, and in a quiet log
all are as old as its last event. So the rows are held against what they themselves and the candidates'
ids prove to have happened:

- The stream goes through events in the order of time, and every new tweet makes a row. A tweet that is
  older than the newest row, and not by a month, ought to have one.
- What was seen of a tweet was seen of its author: whose tweet's row counts views ought to have one.
- Where candidates are newer than the newest row of all, the rows have fallen behind by that much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.ids import EPOCH_MS
from features.row_block import RowBlock
from features.schema import DAY_S, VIEWS, ViewName, sum_name
from ranking.breaker import Verdict
from stores.ports import Ids

EXPECTED_S = 30 * DAY_S
"""Of tweets: that old they have a row, whether anybody saw them or not. A row lives three times as long."""
LAG_S = 60
"""So long after it was written nobody expects a tweet's row."""
ENOUGH = 10
"""Rows, or candidates of one answer: with fewer there is nothing to be said."""

_SEEN = VIEWS["t"].index(sum_name("seen", "30d"))


@dataclass(frozen=True, slots=True)
class SilentOptions:
    """`least_hit_rate` is the share of the expected rows below which they count as lost; `most_behind_s`
    how far rows may be behind."""

    least_hit_rate: float = 0.5
    most_behind_s: int = 900


class Finding(NamedTuple):
    verdict: Verdict
    reason: str = ""


class SilentFailures:
    def __init__(self, options: SilentOptions) -> None:
        self._options = options
        self._model = ""
        self._varied = 0

    def judge(
        self,
        blocks: Mapping[ViewName, RowBlock],
        roots: Ids,
        now_ms: int,
        features: NDArray[np.float32],
        heads: NDArray[np.float32],
        model: str,
    ) -> Finding:
        """Of one answer: rows as `FeatureReader.fetch` has them for `roots` (int64 [n]), the inputs
        float32 [n, n_features] and what the model made of them, float32 [n, n_heads]."""
        rows = self._rows(blocks, roots, now_ms)
        if rows.verdict == "silent" or not self._constant(features, heads, model):
            return rows
        return Finding("silent", "scores_constant")

    def _rows(self, blocks: Mapping[ViewName, RowBlock], roots: Ids, now_ms: int) -> Finding:
        newest_s = max(int(block.event_ts_s.max(initial=0)) for block in blocks.values())
        created_s = ((roots >> 22) + EPOCH_MS) // 1000
        due_s = now_ms // 1000 - LAG_S
        behind_s = int(created_s[created_s <= due_s].max(initial=0)) - newest_s
        if behind_s > self._options.most_behind_s:
            return Finding("silent", "features_behind")
        tweets, authors = blocks["t"], blocks["a"]
        expected = (created_s > newest_s - EXPECTED_S) & (created_s < min(newest_s - LAG_S, due_s))
        # NaN compares false: a missing row counts no views.
        seen = tweets.values[:, _SEEN] > 0
        verdict: Verdict = "unknown"
        for there in (tweets.present[expected], authors.present[seen]):
            if len(there) >= ENOUGH:
                verdict = "well"
                if there.mean() < self._options.least_hit_rate:
                    return Finding("silent", "features_thin")
        return Finding(verdict)

    def _constant(self, features: NDArray[np.float32], heads: NDArray[np.float32], model: str) -> bool:
        """Whether the model says the same of all candidates, who are not the same, and said more before.

        A model may have nothing but constant heads, if there was too little to learn from.
        """
        if model != self._model:
            self._model, self._varied = model, 0
        if len(heads) < ENOUGH:
            return False
        if not (heads == heads[0]).all():
            self._varied += 1
            return False
        return self._varied >= ENOUGH and any(one.tobytes() != features[0].tobytes() for one in features)
