"""What a home feed is ranked with: slates, features, popular tweets, a model; each can be taken away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence, Set

import numpy as np
from numpy.typing import NDArray

from core.errors import Unavailable
from core.ids import UserId
from features.reader import FeatureReader, Fetched
from features.row_block import RowBlock
from features.schema import FEATURES, VIEWS, ViewName
from ranking.model import RankingModel
from stores.popular import Popular, PopularStore
from stores.slates import SLATES, Slate, SlateStore
from stores.slates import Served as SlatesServed


class FakeSlates(SlateStore):
    """Slates as bytes, so that what comes back went through the wire format."""

    def __init__(self) -> None:
        self.slates: dict[str, bytes] = {}
        self.seen: list[int] = []
        self.recommended: set[int] = set()
        self.away = False

    async def put(self, viewer: UserId, slate: Slate) -> None:
        self._answer()
        self.slates[slate.slate_id] = SLATES.encode(slate)

    async def get(self, viewer: UserId, slate_id: str) -> Slate | None:
        self._answer()
        return SLATES.decode(self.slates.get(slate_id))

    async def newest(self, viewer: UserId) -> Slate | None:
        self._answer()
        return SLATES.decode(next(reversed(self.slates.values()), None))

    async def served(self, viewer: UserId) -> SlatesServed:
        self._answer()
        return SlatesServed(frozenset(self.seen), frozenset(self.recommended))

    async def remember_served(
        self, viewer: UserId, tweet_ids: Sequence[int], recommended: Set[int] = frozenset()
    ) -> None:
        if not self.away:
            self.seen += tweet_ids
            self.recommended |= recommended

    def _answer(self) -> None:
        if self.away:
            raise Unavailable("no slates")


class FakeFeatures(FeatureReader):
    """Rows that are all there and all zero; `flushed` has none at all. The viewer has looked at `seen`."""

    def __init__(self) -> None:
        self.away = False
        self.flushed = False
        self.slow = False
        self.seen: list[int] = []
        self.asked: list[tuple[list[int], list[int]]] = []

    async def fetch(
        self, viewer: int, tweet_ids: NDArray[np.int64], author_ids: NDArray[np.int64]
    ) -> Fetched:
        if self.away:
            raise Unavailable("no features")
        if self.slow:
            await asyncio.Event().wait()
        self.asked.append((tweet_ids.tolist(), author_ids.tolist()))
        n = len(tweet_ids)
        blocks: dict[ViewName, RowBlock] = {
            name: RowBlock.missing(view, 1 if name in ("g", "u") else n) for name, view in VIEWS.items()
        }
        if not self.flushed:
            for name, block in blocks.items():
                for row in range(len(block.present)):
                    zeros = [0.0] * VIEWS[name].width
                    block.put(
                        row, schema_id=VIEWS[name].schema_id, event_ts_s=1_700_000_000, seq=3, values=zeros
                    )
        return Fetched(blocks, np.array(self.seen, np.int64))


class FakePopular(PopularStore):
    """`ids` are popular, best first."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.away = False
        self.slow = False
        self.wrong: Exception | None = None
        self.asked = 0

    async def get(self) -> Popular | None:
        self.asked += 1
        if self.wrong is not None:
            raise self.wrong
        if self.away:
            raise Unavailable("no popular tweets")
        if self.slow:
            await asyncio.Event().wait()
        if not self.ids:
            return None
        return Popular(1, np.array(self.ids, "<i8").tobytes(), np.zeros(len(self.ids), "<f4").tobytes())


class FakeModel(RankingModel):
    """Scores by a function of the place among the candidates: float32 [n, n_heads]."""

    def __init__(self, score: Callable[[int], NDArray[np.float32]]) -> None:
        self.label = "home@1"
        self.heads = ("click",)
        self._score = score

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        assert features.shape[1] == len(FEATURES)
        return self._score(len(features))


def oldest_best(n: int) -> NDArray[np.float32]:
    """The model's taste is the opposite of time."""
    return np.linspace(0.0, 1.0, n, dtype=np.float32).reshape(-1, 1)
