"""Which tweets are popular, by the stream's own rows: scored anew every so often, and put into Redis.

The file is read, never memory or Redis: so a Redis that was emptied has the list again by the next turn,
and a list of before a crash is that of its rows. Ids are times, and a turn looks at the youngest end of
them: 1 s of a core for 600,000 tweets there.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np
import structlog
from numpy.typing import NDArray
from prometheus_client import Counter, Gauge

from core.clock import Clock
from core.errors import Unavailable
from core.ids import EPOCH_MS
from core.waiting import happens
from features.freshness import as_of
from features.packed_row import decode_block
from features.popularity import popularity
from features.row_block import RowBlock
from features.schema import DAY_S, VIEWS
from pipelines.features_file import FeaturesFile
from stores.popular import Popular, PopularStore
from stores.ports import Ids

FOUND = Gauge("rankfeed_popular_tweets", "Tweets in the list of popular ones that was written last")
WRITTEN = Counter("rankfeed_popular_written_total", "Times that the list of popular tweets was written")

_PAUSE = 9.0
"""Turns take a tenth of a core at the most: after a longer one the next comes later."""
_MOST_DOUBLED = 10
"""From 1 s on: longer than any `every_s`."""


@dataclass(frozen=True, slots=True)
class PopularOptions:
    """`every_s` seconds between turns, fewer between the first ones.

    Tweets older than `days` are not looked at. The best `kept` are kept. Rows are read `page` at a time,
    which takes some milliseconds, and the stream goes on in between.
    """

    every_s: float
    days: int
    kept: int = 500
    page: int = 2_000


class PopularTweets:
    def __init__(self, store: PopularStore, clock: Clock, options: PopularOptions) -> None:
        self._store = store
        self._clock = clock
        self._options = options
        self._away = False
        self._logger = structlog.get_logger("popular_tweets")

    async def run(self, file: FeaturesFile, stop: asyncio.Event) -> None:
        """Turn by turn until `stop` is set; where file or Redis are away the next turn tries again."""
        written = 0
        while not stop.is_set():
            began_s = self._clock.monotonic_s()
            try:
                written += await self.turn(file)
                self._away = False
            except Unavailable as exc:
                written = 0
                if not self._away:
                    self._logger.warning("popular_not_written", error=str(exc))
                self._away = True
            took_s = self._clock.monotonic_s() - began_s
            await happens(stop, pause_s(took_s, self._options.every_s, written))

    async def turn(self, file: FeaturesFile) -> bool:
        """Writes the list as it is now; False, and nothing written, before the first event.

        Raises Unavailable.
        """
        found = (await file.find([], [("g", 0)])).rows
        if not found:
            return False
        everything = decode_block([found[0].packed], VIEWS["g"])
        moment_ms = as_of(everything, self._clock.now_ms())
        ids, scores = await self._best(file, everything, moment_ms)
        popular = Popular(moment_ms, ids.astype("<i8").tobytes(), scores.astype("<f4").tobytes())
        await self._store.put(popular)
        FOUND.set(len(ids))
        WRITTEN.inc()
        return True

    async def _best(
        self, file: FeaturesFile, everything: RowBlock, moment_ms: int
    ) -> tuple[Ids, NDArray[np.float64]]:
        """Ids (int64 [n]) and scores (float64 [n]), best first; equal scores stand newest first."""
        ids, scores = np.empty(0, np.int64), np.empty(0, np.float64)
        oldest_ms = moment_ms - self._options.days * DAY_S * 1000
        after: int | None = max(0, oldest_ms - EPOCH_MS) << 22
        while after is not None:
            page = await file.tweets(after, self._options.page)
            ids = np.concatenate([ids, np.array([tweet for tweet, _ in page], np.int64)])
            tweets = decode_block([packed for _, packed in page], VIEWS["t"])
            scores = np.concatenate([scores, popularity(everything, tweets, moment_ms)])
            best = np.lexsort((-ids, -scores))[: self._options.kept]
            best = best[scores[best] > 0.0]
            ids, scores = ids[best], scores[best]
            after = page[-1][0] if len(page) == self._options.page else None
        return ids, scores


def pause_s(took_s: float, every_s: float, written: int) -> float:
    """Until the next turn, after one that took `took_s`, when so many lists were written one after the other.

    The first ones follow soon: what is popular in a new stack is not yet what will be in a minute.
    """
    return max(min(every_s, 2.0 ** min(written, _MOST_DOUBLED)), _PAUSE * took_s)
