"""Scoring on threads of its own: a large batch is cut for as many as there are."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

from ranking.model import RankingModel

LEAST_ROWS = 50
"""A part has as many at the least: a call and a thread's turn cost as much as some ten rows."""


class ScoringThreads:
    """`number` is how many threads the executor has; each scores one part at a time, on one core.

    The bits of a row do not depend on what else is in its batch (the parity gate checks that), so a cut
    changes none; two threads inside onnxruntime's own session would.
    """

    def __init__(self, executor: Executor, number: int) -> None:
        self._executor = executor
        self._number = number

    async def score(self, model: RankingModel, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """`model.score`, off the loop: float32 [n, n_heads] from float32 [n, n_features]. Raises Corrupt."""
        loop = asyncio.get_running_loop()
        parts = min(self._number, len(features) // LEAST_ROWS)
        if parts < 2:
            return await loop.run_in_executor(self._executor, model.score, features)
        scored = [
            loop.run_in_executor(self._executor, model.score, part)
            for part in np.array_split(features, parts)
        ]
        return np.concatenate(await asyncio.gather(*scored))
