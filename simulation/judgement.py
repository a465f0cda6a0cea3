"""How good an order of the same candidates is, against the truth: NDCG@10, viewer by viewer."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from simulation.crowd import READERS, Crowd
from simulation.draws import Floats
from simulation.lift import Estimate, mean_by_viewer
from simulation.together import together
from simulation.tweets import Ints
from simulation.visit import LiveViewer, root_of

TOP = 10
Order = Literal["ranked", "chronological", "popularity", "logistic"]
ORDERS: tuple[Order, ...] = get_args(Order)
_ALWAYS = ORDERS.index("logistic")
"""Those before it need nobody but the product."""

Regression = Callable[[int, Callable[[int], int]], Awaitable[list[int]]]
"""Ids of what was ranked last for a user, by a simpler model, best first; it is told whose each one is."""


class Judgement(NamedTuple):
    """NDCG@10 by order; ranked less popularity, and less the regression, paired by viewer. `most` is who
    gains most by ranking. Of the regression all is NaN where there was none; `asked` are the viewers whose
    slate it ordered, which leaves out those who were not ranked."""

    ndcg: Mapping[Order, Estimate]
    over_popularity: Estimate
    over_logistic: Estimate
    viewers: int
    asked: int
    most: int


async def judge(crowd: Crowd, viewers: int, seed: int, regression: Regression | None = None) -> Judgement:
    """Compares the ranked feed with time order, likes and a regression, for the first viewers who have a
    choice.

    As in sessions, what a viewer has looked at before is worth nothing more.
    """
    asking = (_of_viewer(crowd, viewer, regression) for viewer in crowd.viewers[:viewers])
    rows = await together(asking, READERS)
    # Whom nothing is worth anything to has no best order either.
    judged = [
        (viewer, row)
        for viewer, row in enumerate(rows)
        if row is not None and np.all(np.isfinite(row[:_ALWAYS]))
    ]
    scores = np.array([row for _, row in judged])
    asked = scores[np.isfinite(scores[:, _ALWAYS])]
    return Judgement(
        {name: mean_by_viewer(scores[:, place], seed) for place, name in enumerate(ORDERS[:_ALWAYS])}
        | {"logistic": mean_by_viewer(asked[:, _ALWAYS], seed)},
        mean_by_viewer(scores[:, 0] - scores[:, 2], seed),
        mean_by_viewer(asked[:, 0] - asked[:, _ALWAYS], seed),
        len(scores),
        len(asked),
        judged[int(np.argmax(scores[:, 0] - scores[:, 1]))][0],
    )


def ndcg(worth: Floats, order: Ints) -> float:
    """Of items truly worth [n], in an order of places; gains are worths above 0, over log2(2 + place).

    Järvelin and Kekäläinen, 2002. NaN where nothing is worth anything.
    """
    gains = np.maximum(worth, 0.0)
    discounts = 1.0 / np.log2(2.0 + np.arange(TOP))
    shown, best = gains[order[:TOP]], np.sort(gains)[::-1][:TOP]
    ideal = float((best * discounts[: len(best)]).sum())
    return float((shown * discounts[: len(shown)]).sum()) / ideal if ideal > 0.0 else float("nan")


async def _of_viewer(crowd: Crowd, viewer: LiveViewer, regression: Regression | None) -> list[float] | None:
    candidates = {root_of(one): one for one in await viewer.candidates()}
    ranked = [root_of(one) for one in await viewer.fetch("ranked", TOP)]
    simpler = [] if regression is None else await _ordered_by(regression, crowd, viewer, candidates)
    # What came from elsewhere than the viewer's own feed competes too.
    ids = list(dict.fromkeys([*candidates, *(one for one in (*ranked, *simpler) if one in crowd.tweets)]))
    if len(ids) <= TOP:
        return None
    place = {one: row for row, one in enumerate(ids)}
    worth = viewer.worth(ids)
    likes = np.array([item["engagement"]["likes"] for item in candidates.values()])
    orders = {
        "ranked": np.array([place[one] for one in ranked if one in place], np.int64),
        "chronological": np.arange(len(candidates)),
        "popularity": np.argsort(-likes, kind="stable"),
        "logistic": np.array([place[one] for one in simpler if one in place], np.int64),
    }
    # A feed that shows nothing of worth counts; a regression that was not asked does not.
    return [
        ndcg(worth, order) if len(order) or name != "logistic" else math.nan for name, order in orders.items()
    ]


async def _ordered_by(
    regression: Regression, crowd: Crowd, viewer: LiveViewer, candidates: Mapping[int, dict[str, Any]]
) -> list[int]:
    """The first roots of what the viewer was ranked last; [] where the regression has nothing to say."""
    roots = {int(item["tweet_id"]): root for root, item in candidates.items()}

    def author_of(item: int) -> int:
        root = roots.get(item, item)
        return crowd.tweets.author_of(root) if root in crowd.tweets else -root

    ordered = await regression(crowd.user_id_of(viewer.number), author_of)
    return [roots.get(one, one) for one in ordered[:TOP]]
