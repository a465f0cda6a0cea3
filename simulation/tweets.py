"""Tweets: what they are about and how good they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.draws import Floats, normal, uniform
from simulation.habits import HOUR_MS, posts
from simulation.people import Authors
from simulation.topics import texts

Ints = NDArray[np.int64]

MAIN_SHARE = 0.75
"""How much of a tweet is about its main topic; the rest is about its second one."""
_TALENT = 0.65
_ORDINAL_BITS, _HOUR_BITS = 6, 22
_LIVE = 1 << 62


@dataclass(frozen=True, slots=True)
class Tweets:
    """n tweets by time: int64 [n] each, `quality` and `bait` float64 [n], about standard normal.

    `keys` are the tweets' numbers in the simulation, which all chance is drawn by; `authors`, `topics` and
    `seconds` (the second topic) are indices; `at_ms` is UTC. Quality is liked by everybody; bait is what
    gets a tweet opened and then regretted.
    """

    keys: Ints
    authors: Ints
    at_ms: Ints
    topics: Ints
    seconds: Ints
    quality: Floats
    bait: Floats

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: NDArray[np.int64] | slice) -> Tweets:
        """Those of the rows, in their order."""
        return Tweets(
            self.keys[rows],
            self.authors[rows],
            self.at_ms[rows],
            self.topics[rows],
            self.seconds[rows],
            self.quality[rows],
            self.bait[rows],
        )

    def joined(self, later: Tweets) -> Tweets:
        """These, then those."""
        return Tweets(
            *(np.concatenate([getattr(self, name), getattr(later, name)]) for name in Tweets.__slots__)
        )

    def texts(self, seed: int) -> list[str]:
        return texts(seed, self.keys, self.topics)


def written_tweets(seed: int, authors: Authors, from_ms: int, until_ms: int) -> Tweets:
    """All that is written in from_ms <= t < until_ms; another range agrees about what is in both."""
    author, at_ms, ordinal = posts(seed, authors, from_ms, until_ms)
    keys = (author << (_HOUR_BITS + _ORDINAL_BITS)) | (at_ms // HOUR_MS << _ORDINAL_BITS) | ordinal
    return _with_content(seed, authors, keys, author, at_ms)


def live_tweets(seed: int, authors: Authors, author: Ints, at_ms: Ints, first: int) -> Tweets:
    """What these authors [n] write live, numbered from `first`."""
    return _with_content(seed, authors, _LIVE | (first + np.arange(len(author))), author, at_ms)


def _with_content(seed: int, authors: Authors, keys: Ints, author: Ints, at_ms: Ints) -> Tweets:
    cumulated = np.cumsum(authors.mixes, axis=1)
    noise = normal(seed, "quality", keys)
    return Tweets(
        keys,
        author,
        at_ms,
        _topic(cumulated[author], uniform(seed, "topic", keys)),
        _topic(cumulated[author], uniform(seed, "second topic", keys)),
        _TALENT * authors.talent[author] + np.sqrt(1.0 - _TALENT**2) * noise,
        normal(seed, "bait", keys),
    )


def _topic(cumulated: Floats, drawn: Floats) -> Ints:
    """The index that a draw [n] falls on in rows of cumulated shares [n, topics]."""
    found = (cumulated < drawn[:, None]).sum(axis=1)
    return np.asarray(np.minimum(found, cumulated.shape[1] - 1), np.int64)
