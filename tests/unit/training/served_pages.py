"""A page as the feed serves it, with its records: real scoring on neighbours in memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from core.ids import compose_id, uuid7
from features.reader import Fetched
from ranking.bundle import load_bundle
from ranking.candidate import TIMELINE_SOURCE
from ranking.model import RankingModel
from ranking.objective import Diversity, FreshnessDecay, Objective, Seen, Weight
from tests.bundles import bundle
from tests.unit.ranking.fake_ranking import FakeFeatures
from tests.unit.ranking.feed_world import FeedWorld
from training.served_records import Recorded

NOW_MS = 1_700_000_000_000
HOUR_MS = 3_600_000
REQUEST = uuid7(NOW_MS, 5)
OBJECTIVE = Objective(
    1,
    "mixed",
    4,
    "ada",
    "a test",
    {"click": Weight(2.0), "hide": Weight(-1.0)},
    FreshnessDecay(2 * 3_600.0),
    Diversity(0.5, 0.2),
    {TIMELINE_SOURCE: 0.75},
    seen=Seen(0.4),
)


class RecentFeatures(FakeFeatures):
    """The log's last event is of now."""

    async def fetch(
        self, viewer: int, tweet_ids: NDArray[np.int64], author_ids: NDArray[np.int64]
    ) -> Fetched:
        fetched = await super().fetch(viewer, tweet_ids, author_ids)
        fetched.blocks["g"].event_ts_s[:] = NOW_MS // 1000
        return fetched


async def served_page(models: Path, objective: Objective) -> Recorded:
    """A page of five, and the slate of eight that it came from."""
    with ThreadPoolExecutor(1) as executor:
        world = FeedWorld(executor)
        world.features = RecentFeatures()
        world.scored_share = 1.0
        world.model = RankingModel(load_bundle(bundle(models, "1", heads=("click", "hide"))))
        world.use(objective)
        for hours in range(8):
            world.post(21 if hours % 3 else 22, compose_id(NOW_MS - hours * HOUR_MS, 1, 1, hours))
        # The newest one was looked at.
        world.features.seen = [compose_id(NOW_MS, 1, 1, 0)]
        await world.page(limit=5)
        (page,), (slate,) = await world.served(), await world.scored()
    return Recorded(replace(page, request_id=REQUEST.bytes), NOW_MS, replace(slate, request_id=REQUEST.bytes))
