"""Rows as columns."""

from __future__ import annotations

import numpy as np

from features.row_block import RowBlock
from features.schema import VIEWS

VIEW = VIEWS["t"]


def test_a_row_is_missing_until_it_is_put() -> None:
    block = RowBlock.missing(VIEW, 3)
    block.put(1, schema_id=4, event_ts_s=5, seq=6, values=[0.5] * VIEW.width)
    assert block.present.tolist() == [False, True, False]
    assert np.isnan(block.values[[0, 2]]).all()
    assert block.values[1].tolist() == [0.5] * VIEW.width
    assert (block.schema_id[1], block.event_ts_s[1], block.seq[1]) == (4, 5, 6)
    assert block.hit_rate == 1 / 3


def test_taking_rows_keeps_their_order_and_repeats() -> None:
    block = RowBlock.missing(VIEW, 3)
    for i in range(3):
        block.put(i, schema_id=4, event_ts_s=i, seq=10 + i, values=[float(i)] * VIEW.width)
    taken = block.take(np.array([2, 0, 2]))
    assert taken.event_ts_s.tolist() == [2, 0, 2]
    assert taken.seq.tolist() == [12, 10, 12]
    assert taken.values[:, 0].tolist() == [2.0, 0.0, 2.0]
    assert taken.present.all()
    assert len(taken) == 3
