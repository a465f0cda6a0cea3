"""From a lake to a bundle that serving loads, and what is said where that cannot be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import ConfigurationError
from ranking.bundle import load_bundle, parse_time
from ranking.model import RankingModel
from stores.lake import LakeReader
from tests.fakes import FakeClock
from tests.unit.training.conftest import UNTIL_MS, quiet
from tests.unit.training.lakes import T0_MS, LakeBuilder
from training.dataset import DatasetOptions, dataset
from training.parity import GraphRunner
from training.train import TrainOptions, train


def test_the_bundle_is_loaded_and_scores_as_it_was_trained(lake: Path, bundle: Path) -> None:
    loaded = load_bundle(bundle)
    manifest = loaded.manifest
    assert bundle.parts[-2:] == ("home", manifest.version)
    assert manifest.version.startswith("20231114T221320Z-")
    assert manifest.version.endswith(manifest.sha256[:8])
    assert parse_time(manifest.training.to) == parse_time(manifest.training.mature_at) == UNTIL_MS
    assert manifest.parity.order_changes == 0
    assert manifest.parity.rows >= 1_000
    assert {metric.name for metric in manifest.metrics} >= {"auc", "auc of chronological"}
    found = dataset(LakeReader(lake), DatasetOptions(None, None, 60.0), quiet)
    scores = RankingModel(loaded).score(found.inputs)
    assert scores.shape == (len(found), 1)
    own = GraphRunner(loaded.model_path.read_bytes()).score(found.inputs)
    assert scores[:, 0].tobytes() == own.tobytes()
    assert np.unique(own).size > 50


def test_no_draft_is_left_beside_the_bundle(bundle: Path) -> None:
    models = bundle.parent.parent
    assert list(models.glob("*/*/manifest.json")) == [bundle / "manifest.json"]


def test_the_same_lake_options_and_seed_give_the_same_bytes(lake: Path, bundle: Path, tmp_path: Path) -> None:
    options = TrainOptions(until_ms=UNTIL_MS, trees=60, threads=2)
    again = train(lake, tmp_path, options, quiet, FakeClock())
    assert (again / "model.onnx").read_bytes() == (bundle / "model.onnx").read_bytes()
    assert (again / "manifest.json").read_bytes() == (bundle / "manifest.json").read_bytes()
    # The version is there already: training once more leaves it alone.
    assert train(lake, tmp_path, options, quiet, FakeClock()) == again


def test_a_handful_of_impressions_is_enough_for_a_rough_model(tmp_path: Path) -> None:
    lake = LakeBuilder()
    for i in range(40):
        lake.view("seen", T0_MS + 1_000 * i, viewer=1 + i % 5, request=f"{i:02x}", tweet=10 + i % 4)
        if i % 4 == 0:
            lake.view(
                "click", T0_MS + 1_000 * i + 500, viewer=1 + i % 5, request=f"{i:02x}", tweet=10 + i % 4
            )
    lake.write(tmp_path / "lake")
    said: list[str] = []
    options = TrainOptions(window_s=5.0, lag_s=1.0)
    bundle = train(tmp_path / "lake", tmp_path / "models", options, said.append, FakeClock())
    assert load_bundle(bundle).manifest.heads[0].positives == 10
    assert any("rough model" in line for line in said)


def test_clicks_on_one_side_of_the_split_only_hold_nothing_out(tmp_path: Path) -> None:
    lake = LakeBuilder()
    for i in range(40):
        lake.view("seen", T0_MS + 1_000 * i, request=f"{i:02x}")
    lake.view("click", T0_MS + 39_500, request="27")
    lake.write(tmp_path / "lake")
    bundle = train(tmp_path / "lake", tmp_path / "models", TrainOptions(trees=5), quiet, FakeClock())
    manifest = load_bundle(bundle).manifest
    assert manifest.training.split == "nothing held out"
    assert manifest.metrics == []


@pytest.mark.parametrize(("clicks", "message"), [(0, "none of the 20"), (20, "every one of the 20")])
def test_without_both_kinds_there_is_nothing_to_learn(tmp_path: Path, clicks: int, message: str) -> None:
    lake = LakeBuilder()
    for i in range(20):
        lake.view("seen", T0_MS + i, request=f"{i:02x}")
    for i in range(clicks):
        lake.view("click", T0_MS + i + 1, request=f"{i:02x}")
    lake.write(tmp_path / "lake")
    with pytest.raises(ConfigurationError, match=message):
        train(tmp_path / "lake", tmp_path / "models", TrainOptions(), quiet)
    assert not (tmp_path / "models").exists()


def test_no_lake_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no lake"):
        train(tmp_path / "lake", tmp_path / "models", TrainOptions(), quiet)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (TrainOptions(trees=0), "trees must be at least 1"),
        (TrainOptions(leaves=1), "leaves must be at least 2"),
        (TrainOptions(lag_s=-1.0), "lag_s must not be negative"),
        (TrainOptions(window_s=0.0), "window_s must be positive"),
        (TrainOptions(from_ms=5, until_ms=5), "the range to train on is empty"),
        (TrainOptions(name="../home"), "is no name for a model"),
    ],
)
def test_options_that_cannot_be_are_refused(tmp_path: Path, options: TrainOptions, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        train(tmp_path, tmp_path, options, quiet)
