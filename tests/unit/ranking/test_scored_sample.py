"""The sample is drawn by the request's id: the same everywhere, and as large as it was asked for."""

from __future__ import annotations

import asyncio

import pytest

from core.ids import uuid7
from ranking.scored_sample import ScoredSample
from ranking.side_effects import ScoredRecords
from tests.unit.eventlog.fake_log import FakeLog

REQUESTS = [uuid7(1_700_000_000_000 + i // 7, i << 20) for i in range(20_000)]


def drawn(share: float) -> list[int]:
    sample = ScoredSample(ScoredRecords(FakeLog(asyncio.Event())), share)
    return [i for i, request in enumerate(REQUESTS) if sample.takes(request)]


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.01, 150, 250), (1.0, 20_000, 20_000)])
def test_a_share_of_the_requests_is_drawn(share: float, least: int, most: int) -> None:
    assert least <= len(drawn(share)) <= most


def test_the_same_ones_are_drawn_everywhere_and_a_larger_share_has_them_too() -> None:
    assert drawn(0.01) == drawn(0.01)
    assert set(drawn(0.01)) < set(drawn(0.1))
