"""A regression orders the same slate by the same objective: only the heads are its own."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from core.errors import Unavailable
from features.schema import FEATURES
from ranking.objective import Diversity, Objective, Weight
from stores.slates import Slate, SlateStore
from tests.unit.training.datasets import dataset_of
from wiring.demo.logistic_order import LogisticOrder

RATE = FEATURES.index("t.click_rate_30d")
N = 400
OBJECTIVE = Objective(1, "mine", 1, "", "", {"click": Weight(1.0), "hide": Weight(-1.0)}, None, None)


class Slates(SlateStore):
    def __init__(self, slate: Slate | None, away: bool = False) -> None:
        self._slate = slate
        self._away = away

    async def newest(self, viewer: int) -> Slate | None:
        if self._away:
            raise Unavailable("redis is away")
        return self._slate


def slate(rates: list[float], clicks: list[float], multipliers: list[float]) -> Slate:
    """`clicks` less half is what the model made of each; `multipliers` as they were applied."""
    n = len(rates)
    features = np.full((n, len(FEATURES)), np.nan, "<f4")
    features[:, RATE] = rates
    heads = np.stack([np.array(clicks), np.full(n, 0.5)], axis=1).astype("<f4")
    worth = heads[:, 0].astype(np.float64) - heads[:, 1]
    return Slate(
        "s",
        0,
        0,
        "home@1",
        "mine@1",
        "",
        [],
        [],
        ids=np.arange(1, n + 1, dtype="<i8").tobytes(),
        heads=heads.tobytes(),
        scores=(worth * multipliers).astype("<f8").tobytes(),
        features=features.tobytes(),
        rows=b"",
    )


def regression(objective: Objective, slates: Slates) -> LogisticOrder:
    """Clicks come with the rate; nobody ever hid anything."""
    random = np.random.default_rng(5)
    inputs = np.full((N, len(FEATURES)), np.nan, np.float32)
    inputs[:, RATE] = random.random(N)
    clicks = [int(one) for one in random.random(N) < inputs[:, RATE]]
    learned = dataset_of(viewers=range(N), inputs=inputs, labels={"click": clicks, "hide": [0] * N})
    return LogisticOrder(learned, ["click", "hide"], objective, slates)


async def ordered(objective: Objective, slates: Slates) -> list[int]:
    return await regression(objective, slates).order(7, lambda item: item % 2)


async def test_what_it_thinks_best_comes_first_times_what_was_applied() -> None:
    rates, good = [0.2, 0.9, 0.5], [1.0, 1.0, 1.0]
    assert await ordered(OBJECTIVE, Slates(slate(rates, good, [1.0, 1.0, 1.0]))) == [2, 3, 1]
    assert await ordered(OBJECTIVE, Slates(slate(rates, good, [1.0, 0.01, 1.0]))) == [3, 1, 2]
    # Where the model thought it bad, a multiplier of 0.01 stands there as 100; of nothing it says nothing.
    assert await ordered(OBJECTIVE, Slates(slate(rates, [1.0, 0.0, 1.0], [1.0, 100.0, 1.0]))) == [3, 1, 2]
    assert await ordered(OBJECTIVE, Slates(slate(rates, [1.0, 0.5, 1.0], [1.0, 0.01, 1.0]))) == [2, 3, 1]


async def test_authors_are_demoted_as_the_objective_says() -> None:
    objective = replace(OBJECTIVE, diversity=Diversity(0.0, 0.01))
    slates = Slates(slate([0.9, 0.3, 0.8], [1.0] * 3, [1.0] * 3))
    assert await ordered(objective, slates) == [1, 2, 3]


async def test_what_was_not_scored_cannot_be_ordered() -> None:
    unscored = replace(slate([0.5], [1.0], [1.0]), features=b"")
    assert await ordered(OBJECTIVE, Slates(None)) == []
    assert await ordered(OBJECTIVE, Slates(None, away=True)) == []
    assert await ordered(OBJECTIVE, Slates(unscored)) == []
