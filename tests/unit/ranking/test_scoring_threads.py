"""Scoring on threads: a cut changes no bit, and what fails in a part fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import Corrupt
from features.schema import FEATURES
from ranking.bundle import load_bundle
from ranking.model import RankingModel
from ranking.scoring_threads import LEAST_ROWS, ScoringThreads
from tests.bundles import bundle


class _Counted(RankingModel):
    """Knows how many rows each call had, and of which threads they were."""

    def __init__(self, directory: Path) -> None:
        self.calls: list[int] = []
        self.threads: set[int] = set()
        super().__init__(load_bundle(directory))
        self.calls.clear()
        self.threads.clear()

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        self.calls.append(len(features))
        self.threads.add(threading.get_ident())
        return super().score(features)


class _FailsLate(_Counted):
    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        if (features[:, 0] < 0).any():
            raise Corrupt("a row that cannot be scored")
        return super().score(features)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(3) as executor:
        yield executor


def _rows(n: int) -> NDArray[np.float32]:
    return np.random.default_rng(1).random((n, len(FEATURES)), np.float32)


@pytest.mark.parametrize("n", [1, 2 * LEAST_ROWS - 1])
async def test_what_is_small_is_scored_in_one_call(
    tmp_path: Path, executor: ThreadPoolExecutor, n: int
) -> None:
    model = _Counted(bundle(tmp_path, "1"))
    await ScoringThreads(executor, 3).score(model, _rows(n))
    assert model.calls == [n]
    assert threading.get_ident() not in model.threads


@pytest.mark.parametrize(
    ("number", "n", "parts"), [(2, 100, [50, 50]), (3, 200, [67, 67, 66]), (1, 500, [500])]
)
async def test_a_cut_changes_no_bit(
    tmp_path: Path, executor: ThreadPoolExecutor, number: int, n: int, parts: list[int]
) -> None:
    model = _Counted(bundle(tmp_path, "1"))
    rows = _rows(n)
    scored = await ScoringThreads(executor, number).score(model, rows)
    assert sorted(model.calls, reverse=True) == parts
    assert scored.dtype == np.float32
    assert scored.tobytes() == model.score(rows).tobytes()


async def test_a_part_that_fails_fails_the_whole(tmp_path: Path, executor: ThreadPoolExecutor) -> None:
    rows = _rows(200)
    rows[-1, 0] = -1.0
    with pytest.raises(Corrupt, match="cannot be scored"):
        await ScoringThreads(executor, 2).score(_FailsLate(bundle(tmp_path, "1")), rows)
