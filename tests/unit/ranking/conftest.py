"""A feed world, with a thread to score in that ends with the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.unit.ranking.feed_world import FeedWorld


@pytest.fixture
async def world() -> AsyncIterator[FeedWorld]:
    with ThreadPoolExecutor(1) as executor:
        yield FeedWorld(executor)
