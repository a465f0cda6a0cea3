"""Candidates on their way through the pipeline: parallel arrays, one place per tweet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.types import Tweet
from stores.ports import Ids


@dataclass(frozen=True, slots=True)
class Candidates:
    """Ids as a source found them: int64 [n], newest first, and the source of each."""

    ids: Ids
    sources: list[str]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Hydrated:
    """Candidates with their tweets; `tweets[i]` is None where the tweet does not exist any more."""

    ids: Ids
    sources: list[str]
    tweets: list[Tweet | None]

    @classmethod
    def of(cls, candidates: Candidates, found: Mapping[int, Tweet]) -> Hydrated:
        return cls(
            candidates.ids, candidates.sources, [found.get(tweet_id) for tweet_id in candidates.ids.tolist()]
        )

    def authors(self) -> Ids:
        """int64 [n]; 0 where there is no tweet."""
        return np.fromiter(
            (0 if tweet is None else tweet.author_id for tweet in self.tweets), np.int64, len(self.tweets)
        )

    def keep(self, mask: NDArray[np.bool_]) -> Hydrated:
        """The candidates where `mask` (bool [n]) is true, in the same order."""
        kept = np.flatnonzero(mask).tolist()
        return Hydrated(self.ids[mask], [self.sources[i] for i in kept], [self.tweets[i] for i in kept])
