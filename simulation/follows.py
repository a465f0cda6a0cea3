"""Who follows whom: many follow a few, a few follow many, and people follow what they love."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.draws import exponential, gumbel, normal, uniform
from simulation.people import Authors, Viewers

Ints = NDArray[np.int64]

FOLLOWEES = 25.0
"""The median; log-normal, so that a hundredth follows ten times as many."""
FEWEST, MOST = 3, 1_500
LATE = 0.06
"""Of all follows, those that are made now and then during the simulated time; the rest is older."""
_FOLLOWEES_SPREAD = 0.8
_KNOWN_OF_EACH = 4
_BY_INTEREST = 1.6
_DAY_MS = 86_400_000
_OLD_DAYS = 200.0


@dataclass(frozen=True, slots=True)
class Follows:
    """The followees of viewer v are `authors[starts[v]:starts[v + 1]]`, rising. int64 each."""

    starts: Ints
    authors: Ints

    def __len__(self) -> int:
        return len(self.authors)

    def of(self, viewer: int) -> Ints:
        """The followees of a viewer, rising."""
        return self.authors[self.starts[viewer] : self.starts[viewer + 1]]

    @property
    def followers(self) -> Ints:
        """The viewer of each follow, int64 [n]."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))


def make_follows(seed: int, viewers: Viewers, authors: Authors) -> Follows:
    """Each viewer comes upon authors by their fame, and follows those who write what they love."""
    n = len(viewers)
    wanted = FOLLOWEES * np.exp(_FOLLOWEES_SPREAD * normal(seed, "followees", np.arange(n)))
    most = min(MOST, max(FEWEST, len(authors) // 2), len(authors))
    wanted = np.clip(wanted, min(FEWEST, most), most).astype(np.int64)
    fame = np.cumsum(authors.fame)
    chosen = []
    for viewer, number in enumerate(wanted.tolist()):
        met = uniform(seed, "met", viewer, np.arange(_KNOWN_OF_EACH * number)) * fame[-1]
        known = np.unique(np.minimum(np.searchsorted(fame, met, side="right"), len(authors) - 1))
        liking = authors.mixes[known] @ viewers.interests[viewer]
        score = _BY_INTEREST * liking + gumbel(seed, "follows", viewer, known)
        chosen.append(np.sort(known[np.argsort(-score, kind="stable")[:number]]))
    starts = np.concatenate([[0], np.cumsum([len(one) for one in chosen])]).astype(np.int64)
    return Follows(starts, np.concatenate([*chosen, np.empty(0, np.int64)]))


def followed_ms(seed: int, follows: Follows, from_ms: int, until_ms: int) -> Ints:
    """When each follow was made, UTC milliseconds [n]: most before from_ms, some in between."""
    who = follows.followers
    late = uniform(seed, "late", who, follows.authors) < LATE
    within = from_ms + uniform(seed, "when", who, follows.authors) * (until_ms - from_ms)
    before = from_ms - (1.0 + _OLD_DAYS * exponential(seed, "since", who, follows.authors)) * _DAY_MS
    return np.where(late, within, np.maximum(before, from_ms - 4 * 365 * _DAY_MS)).astype(np.int64)
