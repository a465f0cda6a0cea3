"""How fresh a request's rows are, by view."""

from __future__ import annotations

import math

import numpy as np

from features.freshness import Freshness, measure
from features.row_block import RowBlock
from features.schema import VIEWS

NOW_S = 1_700_000_000


def block(*ages_s: int | None) -> RowBlock:
    rows = RowBlock.missing(VIEWS["t"], len(ages_s))
    for i, age_s in enumerate(ages_s):
        if age_s is not None:
            rows.put(i, schema_id=9, event_ts_s=NOW_S - age_s, seq=1, values=[0.0] * VIEWS["t"].width)
    return rows


def test_each_view_says_how_many_rows_were_there_and_how_old_they_are() -> None:
    found = measure({"t": block(10, None, 30, None), "a": block(-5), "g": block(None)}, NOW_S * 1000 + 999)
    assert found["t"] == Freshness(0.5, 20.0)
    assert found["a"] == Freshness(1.0, 0.0)
    assert found["g"].hit_rate == 0.0
    assert math.isnan(found["g"].age_s)


def test_of_nothing_everything_is_there() -> None:
    none = block().take(np.array([], np.intp))
    assert measure({"va": none}, 0)["va"].hit_rate == 1.0
