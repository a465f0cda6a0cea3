"""Author diversity: it demotes what one author has too much of, and drops nothing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ranking.objective import Diversity
from stores.ports import Ids


class Diversified(NamedTuple):
    """An order of n items: `order` int64 [n] has their indexes, best first; the rest is in the items' order.

    `multipliers` float64 [n] are as they were applied: the value that was sorted by is score · multiplier.
    `places` int64 [n] is each item's place without diversity, `ranks` int64 [n] how many items of its
    author stand above it.
    """

    order: NDArray[np.int64]
    multipliers: NDArray[np.float64]
    places: NDArray[np.int64]
    ranks: NDArray[np.int64]


def diversify(
    scores: NDArray[np.float64], ids: Ids, authors: Ids, diversity: Diversity | None
) -> Diversified:
    """Picks the best item again and again, each worth less by how many of its author were picked before.

    Equal scores stand newest first: Snowflakes sort by time. Among equal values the better score does.
    `scores` float64 [n] must be finite, `ids` and `authors` are int64 [n].
    """
    n = len(scores)
    plain = np.lexsort((-ids, -scores))
    places = np.empty(n, np.int64)
    places[plain] = np.arange(n)
    ranks = np.empty(n, np.int64)
    ranks[plain] = _ranks(authors[plain])
    if diversity is None:
        return Diversified(plain, np.ones(n, np.float64), places, ranks)
    factors = multipliers(diversity, int(ranks.max(initial=0)) + 1)[ranks]
    # What is negative goes down by being more negative.
    applied = np.where(scores < 0, 1.0 / factors, factors)
    # An author's own items keep their order, as better scores get larger multipliers: so the greedy
    # choice is the order of these values.
    return Diversified(np.lexsort((places, -(scores * applied))), applied, places, ranks)


def multipliers(diversity: Diversity, n: int) -> NDArray[np.float64]:
    """float64 [n]: those of an author's first n items, never rising.

    Powers by multiplication, whose bits are the same on every processor.
    """
    powers = np.full(n, diversity.decay, np.float64)
    powers[:1] = 1.0
    decayed: NDArray[np.float64] = np.cumprod(powers, dtype=np.float64)
    return (1.0 - diversity.floor) * decayed + diversity.floor


def _ranks(authors: Ids) -> NDArray[np.int64]:
    """int64 [n]: how often each one's author came before."""
    grouped = np.argsort(authors, kind="stable")
    sorted_authors = authors[grouped]
    counting = np.arange(len(authors))
    begins = np.concatenate([np.ones(1, np.bool_), sorted_authors[1:] != sorted_authors[:-1]])[: len(authors)]
    first = np.maximum.accumulate(np.where(begins, counting, 0))
    ranks = np.empty(len(authors), np.int64)
    ranks[grouped] = counting - first
    return ranks
