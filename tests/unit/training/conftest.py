"""One small world, and a bundle trained on its first three quarters, for all tests of training."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes import FakeClock
from tests.unit.training.lakes import DAY_MS, T0_MS, world
from training.train import TrainOptions, train

UNTIL_MS = T0_MS + DAY_MS * 3 // 4


def quiet(_: str) -> None: ...


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lake")
    world().write(root)
    return root


@pytest.fixture(scope="session")
def bundle(lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = TrainOptions(until_ms=UNTIL_MS, trees=60)
    return train(lake, tmp_path_factory.mktemp("models"), options, quiet, FakeClock())
