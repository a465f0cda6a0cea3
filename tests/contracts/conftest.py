"""The engine under test, empty, and what one process opened of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contracts.engines import ENGINES, Engine, Stack
from tests.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    name: str = request.param
    return ENGINES[name](tmp_path)


@pytest.fixture
async def stack(engine: Engine, clock: FakeClock) -> AsyncIterator[Stack]:
    async with engine.open(clock) as opened:
        yield opened
