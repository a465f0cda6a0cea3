"""Features as they were served where they were logged, replayed where they were not."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from features.moments import UNKNOWN, Moments
from features.schema import FEATURES
from tests.unit.training.lakes import T0_MS, LakeBuilder
from training.asof import features_as_of, observations
from training.dataset import UNKNOWN as UNKNOWN_LABEL
from training.dataset import DatasetOptions, dataset
from training.labels import LABELS

OPTIONS = DatasetOptions(None, None, lag_s=60.0)


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
    found = dataset(reader, OPTIONS, said.append)
    assert found.as_served.tolist() == [False, True, False]
    assert found.labels["click"].tolist() == [0, 1, 0]
    assert found.authors.tolist() == [6, 6, 6]
    assert found.tweets.tolist() == [5, 5, 5]
    assert found.viewers.tolist() == [1, 2, 1]
    assert len(set(found.requests.tolist())) == 3
    assert found.inputs[1].tobytes() == logged.tobytes()
    viewers, authors, tweets, at_ms = np.array([[1], [6], [5], [T0_MS + 300_000]], np.int64)
    moments = Moments(viewers, authors, tweets, at_ms, UNKNOWN, UNKNOWN)
    replayed = features_as_of(observations(reader, until_ms=T0_MS + 300_000), moments, lag_s=60.0)
    assert found.inputs[2].tobytes() == replayed[0].tobytes()
    assert "as served for 1, replayed for 2" in said[0]


def test_a_request_has_one_number_and_another_viewer_s_has_another(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.view("seen", T0_MS, viewer=1, request="aa", tweet=5)
    lake.view("seen", T0_MS + 1, viewer=1, request="aa", tweet=6)
    lake.view("seen", T0_MS + 2, viewer=2, request="aa", tweet=5)
    requests = dataset(lake.write(tmp_path), OPTIONS, lambda _: None).requests.tolist()
    assert requests[0] == requests[1] != requests[2]
    assert set(requests) == {0, 1}


def test_a_label_is_known_by_its_own_head_s_window(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.view("seen", T0_MS, request="aa")
    lake.view("click", T0_MS + 1, request="aa")
    lake.view("seen", T0_MS + 1_000_000, request="bb")
    lake.view("seen", T0_MS + 1_800_000, request="cc")
    reader = lake.write(tmp_path, complete_ms=T0_MS + 1_800_000)
    found = dataset(reader, OPTIONS, lambda _: None)
    # What has no label at all is not among them.
    assert {head: known.tolist() for head, known in found.labels.items()} == {
        head: {"click": [1, 0], "dwell": [0, UNKNOWN_LABEL]}.get(head, [UNKNOWN_LABEL] * 2) for head in LABELS
    }
    assert {known.dtype for known in found.labels.values()} == {np.dtype(np.int8)}
    assert (len(found.known("click")), len(found.known("dwell")), len(found.known("like"))) == (2, 1, 0)
    assert found.known("dwell").labels["click"].tolist() == [1]
    assert (found.positives("click"), found.positives("like")) == (1, 0)
    assert found.positive("click").tolist() == [True, False]
    shorter = dataset(reader, DatasetOptions(None, None, 60.0, {"hide": 700.0}), lambda _: None)
    assert shorter.labels["hide"].tolist() == [0, 0]


def test_positions_are_kept_and_may_be_unknown(tmp_path: Path) -> None:
    lake = LakeBuilder()
    for request, position in (("aa", 3), ("bb", -1), ("cc", None)):
        lake.view("seen", T0_MS, request=request)
        lake.rows["views"][-1]["position"] = position
    positions = dataset(lake.write(tmp_path), OPTIONS, lambda _: None).positions
    assert sorted(positions.tolist()) == [UNKNOWN_LABEL, UNKNOWN_LABEL, 3]
    assert positions.dtype == np.int32
