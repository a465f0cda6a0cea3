"""How good an order of the same candidates is, against the truth: NDCG@10, viewer by viewer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

import numpy as np

from simulation.crowd import Crowd
from simulation.draws import Floats
from simulation.lift import Estimate, mean_by_viewer
from simulation.tweets import Ints
from simulation.visit import LiveViewer, root_of

TOP = 10
Order = Literal["ranked", "chronological", "popularity"]
ORDERS: tuple[Order, ...] = get_args(Order)


class Judgement(NamedTuple):
    """NDCG@10 by order, and ranked less popularity, paired by viewer; `most` is who gains most by ranking."""

    ndcg: Mapping[Order, Estimate]
    over_popularity: Estimate
    viewers: int
    most: int


async def judge(crowd: Crowd, viewers: int, seed: int) -> Judgement:
    """Compares the ranked feed with time order and likes, for the first viewers who have a choice.

    As in sessions, what a viewer has looked at before is worth nothing more.
    """
    rows = await crowd.together(_of_viewer(crowd, viewer) for viewer in crowd.viewers[:viewers])
    # Whom nothing is worth anything to has no best order either.
    judged = [
        (viewer, row) for viewer, row in enumerate(rows) if row is not None and np.all(np.isfinite(row))
    ]
    scores = np.array([row for _, row in judged])
    return Judgement(
        {name: mean_by_viewer(scores[:, place], seed) for place, name in enumerate(ORDERS)},
        mean_by_viewer(scores[:, 0] - scores[:, 2], seed),
        len(scores),
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


async def _of_viewer(crowd: Crowd, viewer: LiveViewer) -> list[float] | None:
    candidates = {root_of(one): one for one in await viewer.candidates()}
    ranked = [root_of(one) for one in await viewer.fetch("ranked", TOP)]
    # What came from elsewhere than the viewer's own feed competes too.
    ids = list(dict.fromkeys([*candidates, *(one for one in ranked if one in crowd.tweets)]))
    if len(ids) <= TOP:
        return None
    place = {one: row for row, one in enumerate(ids)}
    worth = viewer.worth(ids)
    likes = np.array([item["engagement"]["likes"] for item in candidates.values()])
    orders = {
        "ranked": np.array([place[one] for one in ranked if one in place]),
        "chronological": np.arange(len(candidates)),
        "popularity": np.argsort(-likes, kind="stable"),
    }
    return [ndcg(worth, orders[name]) for name in ORDERS]
