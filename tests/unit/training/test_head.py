"""A head's trees: those that are judged know nothing of what is held out, those that serve know all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest

from stores.lake import LakeReader
from tests.unit.training.conftest import UNTIL_MS, quiet
from training.booster import BoosterOptions, raw_scores
from training.calibrate import sigmoid
from training.dataset import Dataset, DatasetOptions, dataset
from training.head import HeadOptions, learn_head, split_of
from training.held_out import held_out_scores

OPTIONS = HeadOptions(BoosterOptions(1, 20, 7, 1), 600.0, 100, 10_000)


@pytest.fixture(scope="module")
def found(lake: Path) -> Dataset:
    return dataset(LakeReader(lake), DatasetOptions(None, UNTIL_MS, 60.0), quiet)


def test_what_calibrates_is_learned_from_after_it_was_judged_by(found: Dataset) -> None:
    last = split_of(found, "click", OPTIONS.window_s).calibrate
    clicks = found.labels["click"].copy()
    clicks[last] = 1 - clicks[last]
    turned = replace(found, labels={**found.labels, "click": clicks})
    plain, other = (learn_head(one, "click", OPTIONS, quiet) for one in (found, turned))
    assert plain.judged == other.judged
    assert plain.model != other.model
    judged = lgb.Booster(model_str=plain.judged)
    assert plain.trees == judged.num_trees()
    log_odds = plain.calibration.a * raw_scores(judged, found.inputs) + plain.calibration.b
    assert np.array_equal(held_out_scores([plain], found.inputs)[:, 0], sigmoid(log_odds))


def test_where_nothing_is_held_out_it_is_learned_once(found: Dataset) -> None:
    at_once = replace(found, ts_ms=np.full(len(found), UNTIL_MS))
    learned = learn_head(at_once, "click", OPTIONS, quiet)
    assert learned.model == learned.judged
    assert learned.split == "nothing held out"
