"""Features as they were served where they were logged, replayed where they were not."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from features.moments import UNKNOWN, Moments
from features.schema import FEATURES
from tests.unit.training.lakes import T0_MS, LakeBuilder
from training.asof import features_as_of, observations
from training.dataset import DatasetOptions, click_dataset

OPTIONS = DatasetOptions(None, None, lag_s=60.0, window_s=600.0)


def test_rows_of_both_kinds_stand_in_order_of_time(tmp_path: Path) -> None:
    logged = np.arange(len(FEATURES), dtype=np.float32)
    lake = LakeBuilder()
    lake.view("seen", T0_MS, viewer=1, request="aa")
    lake.served(T0_MS + 100_000, viewer=2, request="bb", features=logged.tolist())
    lake.view("seen", T0_MS + 200_000, viewer=2, request="bb")
    lake.view("click", T0_MS + 201_000, viewer=2, request="bb")
    lake.view("seen", T0_MS + 300_000, viewer=1, request="cc")
    said: list[str] = []
    reader = lake.write(tmp_path)
    dataset = click_dataset(reader, OPTIONS, said.append)
    assert dataset.as_served.tolist() == [False, True, False]
    assert dataset.clicked.tolist() == [False, True, False]
    assert dataset.viewers.tolist() == [1, 2, 1]
    assert len(set(dataset.requests.tolist())) == 3
    assert dataset.inputs[1].tobytes() == logged.tobytes()
    viewers, authors, tweets, at_ms = np.array([[1], [6], [5], [T0_MS + 300_000]], np.int64)
    moments = Moments(viewers, authors, tweets, at_ms, UNKNOWN, UNKNOWN)
    replayed = features_as_of(observations(reader, until_ms=T0_MS + 300_000), moments, lag_s=60.0)
    assert dataset.inputs[2].tobytes() == replayed[0].tobytes()
    assert "as served for 1, replayed for 2" in said[0]


def test_a_request_has_one_number_and_another_viewer_s_has_another(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.view("seen", T0_MS, viewer=1, request="aa", tweet=5)
    lake.view("seen", T0_MS + 1, viewer=1, request="aa", tweet=6)
    lake.view("seen", T0_MS + 2, viewer=2, request="aa", tweet=5)
    requests = click_dataset(lake.write(tmp_path), OPTIONS, lambda _: None).requests.tolist()
    assert requests[0] == requests[1] != requests[2]
    assert set(requests) == {0, 1}
