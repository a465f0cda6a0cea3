"""How popular tweets are with everybody, from their rows alone.

score = (click + like + reply + retweet - hide) · log1p(seen + click + like + reply + retweet)

On the left are rates of the last days (a half-life of two), shrunk towards those of everything, as the
model gets them; on the right how often it happened, decayed alike. So a tweet that a few saw and all
liked stands below one that many saw and most liked, and both sink as they are left alone. What is done
counts as seen too: not every client says what was seen.
"""

from __future__ import annotations

from typing import get_args

import numpy as np
from numpy.typing import NDArray

from features.compute import matrix
from features.formulas import Input, LogSum, Rate, Value
from features.moments import UNKNOWN, Moments
from features.row_block import RowBlock
from features.schema import VIEWS
from features.view import SumEvent, ViewName

_ENGAGED: tuple[SumEvent, ...] = ("click", "like", "reply", "retweet")
_RATES = tuple(Input(f"{event}_rate", Rate("t", event, "2d")) for event in (*_ENGAGED, "hide"))
_COUNTS = tuple(Input(f"{event}_log", LogSum("t", event, "2d")) for event in ("seen", *_ENGAGED))
_KINDS = (Input("reply", Value("t", "is_reply")), Input("retweet", Value("t", "is_retweet")))
_INPUTS = (*_RATES, *_COUNTS, *_KINDS)


def popularity(everything: RowBlock, tweets: RowBlock, as_of_ms: int) -> NDArray[np.float64]:
    """float64 [n] of n rows of `t`, with the one row of `g`, as of a moment (UTC).

    0 or less for what is not to be recommended: a tweet that nobody saw, one that is hidden more often
    than engaged with, a reply or a retweet (neither stands by itself), a missing or an expired row.
    """
    n = len(tweets)
    blocks: dict[ViewName, RowBlock] = {name: RowBlock.missing(VIEWS[name], 1) for name in get_args(ViewName)}
    values = matrix(blocks | {"g": everything, "t": tweets}, _moments(n, as_of_ms), _INPUTS)
    columns = values.astype(np.float64).T
    engaged, hidden = columns[: len(_ENGAGED)].sum(axis=0), columns[len(_ENGAGED)]
    # Counts come as log1p.
    happened = np.expm1(columns[len(_RATES) : len(_RATES) + len(_COUNTS)]).sum(axis=0)
    scores = (engaged - hidden) * np.log1p(happened)
    stands_alone = ~(columns[-len(_KINDS) :] == 1.0).any(axis=0)
    known: NDArray[np.float64] = np.where(stands_alone & ~np.isnan(scores), scores, 0.0)
    return known


def _moments(n: int, as_of_ms: int) -> Moments:
    nobody = np.zeros(n, np.int64)
    return Moments(nobody[:1], nobody, nobody, np.array([as_of_ms], np.int64), UNKNOWN, UNKNOWN)
