"""The model's inputs from what Feast hands over, by the function that serves (`features.compute`)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.compute import matrix
from features.repo.names import NOW_MS, ROW_SEQ, ROW_TIME, feature
from features.row_block import RowBlock
from features.schema import FEATURES, VIEWS, View


def model_inputs(inputs: pd.DataFrame) -> pd.DataFrame:
    # Feast keeps this text and runs it elsewhere: it has to bring what it uses.
    from features.repo.model_inputs import computed

    return computed(inputs)


def computed(inputs: pd.DataFrame) -> pd.DataFrame:
    """The columns of FEATURES as float32, a row for each of `inputs`: rows of all views, and a moment."""
    blocks = {name: _block(view, inputs) for name, view in VIEWS.items()}
    # When it is told of the function, Feast tries it on rows that it made up, which have no keys.
    tweets = inputs["tweet"] if "tweet" in inputs else pd.Series(0, inputs.index)
    now_ms = inputs[NOW_MS].to_numpy(np.int64)
    table = matrix(blocks, tweets.to_numpy(np.int64), now_ms)
    return pd.DataFrame(table, index=inputs.index, columns=list(FEATURES))


def _block(view: View, inputs: pd.DataFrame) -> RowBlock:
    time_ms = _numbers(view, ROW_TIME, inputs)
    present = ~np.isnan(time_ms)
    values = np.empty((len(inputs), view.width), np.float32)
    for i, field in enumerate(view.fields):
        # Feast knows no NaN; and rows from before a field was added do not have it.
        column = _numbers(view, field.name, inputs)
        values[:, i] = np.where(np.isnan(column), field.default, column)
    values[~present] = np.nan
    return RowBlock(
        event_ts_s=np.nan_to_num(time_ms).astype(np.int64) // 1_000,
        seq=np.nan_to_num(_numbers(view, ROW_SEQ, inputs)).astype(np.int64),
        schema_id=np.where(present, view.schema_id, 0).astype(np.int64),
        values=values,
        present=present,
    )


def _numbers(view: View, column: str, inputs: pd.DataFrame) -> NDArray[np.float64]:
    """float64 [n], NaN where Feast has nothing: exact for float32, times in ms and sequence numbers."""
    numbers: NDArray[np.float64] = inputs[feature(view, column)].to_numpy(np.float64, na_value=np.nan)
    return numbers
