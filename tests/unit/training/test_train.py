"""From a lake to a bundle that serving loads, and what is said where that cannot be."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from core.errors import ConfigurationError
from features.schema import FEATURES
from ranking.bundle import load_bundle, parse_time
from ranking.model import RankingModel
from stores.lake import LakeReader
from tests.fakes import FakeClock
from tests.unit.training.conftest import UNTIL_MS, quiet
from tests.unit.training.lakes import T0_MS, LakeBuilder, world
from training.dataset import DatasetOptions, dataset
from training.labels import Head
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
    assert {metric.name for metric in manifest.metrics} >= {"click auc", "click auc of chronological"}
    assert {path.name for path in bundle.iterdir()} == {
        "card.html",
        "gain.json",
        "manifest.json",
        "model.onnx",
    }
    found = dataset(LakeReader(lake), DatasetOptions(None, None, 60.0), quiet)
    model = RankingModel(loaded)
    scores = model.score(found.inputs)
    assert model.heads == ("click", "like", "dwell", "hide")
    assert scores.shape == (len(found), 4)
    own = GraphRunner(loaded.model_path.read_bytes()).score(found.inputs)
    assert scores.tobytes() == own.tobytes()
    assert [np.unique(column).size > 50 for column in scores.T] == [True, False, True, False]


def test_a_head_with_few_positives_is_a_constant_and_says_so(lake: Path, tmp_path: Path) -> None:
    said: list[str] = []
    options = TrainOptions(until_ms=UNTIL_MS, trees=5, heads=("dwell", "click"), min_positives=700)
    bundle = train(lake, tmp_path, options, said.append, FakeClock())
    click, dwell = load_bundle(bundle).manifest.heads
    # Of the same look, a long dwell is rarer.
    assert (click.name, click.constant, dwell.name, dwell.constant) == ("click", False, "dwell", True)
    assert click.positives >= 700 > dwell.positives > 300
    assert (dwell.calibration.a, dwell.trees) == (0.0, 0)
    assert click.trees == 5
    assert any(line.startswith("dwell: constant 0.") for line in said)
    scores = RankingModel(load_bundle(bundle)).score(np.zeros((3, len(FEATURES)), np.float32))
    assert np.allclose(scores[:, 1], dwell.positives / dwell.rows, rtol=0.1)


def test_a_reply_is_a_head_where_somebody_replied(tmp_path: Path) -> None:
    builder = world(impressions=300)
    builder.tweet(T0_MS)
    seen = next(row for row in builder.rows["views"] if row["kind"] == "seen")
    builder.edge("reply", seen["ts_ms"] + 1, user=seen["viewer"], tweet=seen["tweet"], author=seen["author"])
    builder.write(tmp_path / "lake")
    options = TrainOptions(trees=2, min_positives=20)
    bundle = train(tmp_path / "lake", tmp_path / "models", options, quiet, FakeClock())
    heads = load_bundle(bundle).manifest.heads
    assert [head.name for head in heads] == ["click", "like", "dwell", "hide", "reply"]
    assert (heads[4].positives, heads[4].constant) == (1, True)


def test_sampled_negatives_are_corrected_once(lake: Path, tmp_path: Path) -> None:
    whole, part = (
        train(lake, tmp_path, TrainOptions(trees=30, heads=("click",), max_rows=rows), quiet, FakeClock())
        for rows in (10_000, 1_300)
    )
    head = load_bundle(part).manifest.heads[0]
    assert load_bundle(whole).manifest.heads[0].negative_rate == 1.0
    assert 0.2 < head.negative_rate < 0.6
    found = dataset(LakeReader(lake), DatasetOptions(None, None, 60.0), quiet)
    rate = found.positive("click").mean()
    for bundle in (whole, part):
        predicted = RankingModel(load_bundle(bundle)).score(found.inputs).mean()
        assert abs(predicted - rate) < 0.05


def test_no_draft_is_left_beside_the_bundle(bundle: Path) -> None:
    models = bundle.parent.parent
    assert list(models.glob("*/*/manifest.json")) == [bundle / "manifest.json"]


def test_the_same_lake_options_and_seed_give_the_same_bytes(lake: Path, tmp_path: Path) -> None:
    bundles = []
    for threads in (1, 2):
        options = TrainOptions(until_ms=UNTIL_MS, trees=3, heads=("click",), threads=threads)
        bundles.append(train(lake, tmp_path / str(threads), options, quiet, FakeClock()))
    for name in ("model.onnx", "manifest.json"):
        assert len({(bundle / name).read_bytes() for bundle in bundles}) == 1
    # The version is there already: training once more leaves it alone.
    assert train(lake, tmp_path / "2", options, quiet, FakeClock()) == bundles[1]


def test_a_handful_of_impressions_is_enough_for_a_rough_model(tmp_path: Path) -> None:
    lake = LakeBuilder()
    for i in range(40):
        ids: dict[str, Any] = {"viewer": 1 + i % 5, "request": f"{i:02x}", "tweet": 10 + i % 4}
        lake.view("seen", T0_MS + 1_000 * i, **ids)
        if i % 4 == 0:
            lake.view("click", T0_MS + 1_000 * i + 500, **ids)
    lake.write(tmp_path / "lake")
    options = TrainOptions(windows_s={"click": 5.0}, lag_s=1.0, min_positives=5)
    bundle = train(tmp_path / "lake", tmp_path / "models", options, quiet, FakeClock())
    head = load_bundle(bundle).manifest.heads[0]
    assert (head.positives, head.window_s, head.constant) == (10, 5.0, False)
    with pytest.raises(ConfigurationError, match=r"every head would be a constant.* click 10, .*--min-pos"):
        train(tmp_path / "lake", tmp_path / "none", TrainOptions(), quiet, FakeClock())
    assert not (tmp_path / "none").exists()


def test_clicks_on_one_side_of_the_split_only_hold_nothing_out(tmp_path: Path) -> None:
    lake = LakeBuilder()
    for i in range(40):
        lake.view("seen", T0_MS + 1_000 * i, request=f"{i:02x}")
    lake.view("click", T0_MS + 39_500, request="27")
    lake.write(tmp_path / "lake")
    options = TrainOptions(trees=5, min_positives=1, heads=("click",))
    bundle = train(tmp_path / "lake", tmp_path / "models", options, quiet, FakeClock())
    manifest = load_bundle(bundle).manifest
    assert manifest.training.split == "click: nothing held out"
    assert manifest.metrics == []


@pytest.mark.parametrize(
    ("clicks", "message"), [(0, "none of the 20 .* positive click or like"), (20, "every one of the 20")]
)
def test_without_both_kinds_there_is_nothing_to_learn(tmp_path: Path, clicks: int, message: str) -> None:
    lake = LakeBuilder()
    for i in range(20):
        lake.view("seen", T0_MS + i, request=f"{i:02x}")
    for i in range(clicks):
        lake.view("click", T0_MS + i + 1, request=f"{i:02x}")
    lake.write(tmp_path / "lake")
    options = TrainOptions(min_positives=1)
    with pytest.raises(ConfigurationError, match=message):
        train(tmp_path / "lake", tmp_path / "models", options, quiet)
    assert not (tmp_path / "models").exists()


def test_no_lake_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no lake"):
        train(tmp_path / "lake", tmp_path / "models", TrainOptions(), quiet)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (TrainOptions(trees=0), "trees must be at least 1"),
        (TrainOptions(leaves=1), "leaves must be at least 2"),
        (TrainOptions(lag_s=-1.0), "the lag must not be negative"),
        (TrainOptions(min_positives=0), "min_positives must be at least 1"),
        (TrainOptions(windows_s={"like": 0.0}), "the window of like must be positive"),
        (TrainOptions(heads=cast("tuple[Head, ...]", ("bookmark",))), "there is no head 'bookmark': choose"),
        (TrainOptions(from_ms=2_000_000_000_000), "in the future"),
        (TrainOptions(from_ms=5, until_ms=5), "the range to train on is empty"),
        (TrainOptions(name="../home"), "is no name for a model"),
    ],
)
def test_options_that_cannot_be_are_refused(tmp_path: Path, options: TrainOptions, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        train(tmp_path, tmp_path, options, quiet, FakeClock())


def test_a_head_that_was_asked_for_and_never_happened_is_refused(lake: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="has a positive like"):
        train(lake, tmp_path / "models", TrainOptions(heads=("click", "like")), quiet, FakeClock())
    assert not (tmp_path / "models").exists()


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.fakes import FakeClock
from training.train import TrainOptions, train

def report(line):
    if line.startswith("dwell: tree"):
        os.kill(os.getpid(), signal.SIGKILL)

options = TrainOptions(until_ms=int(sys.argv[3]), trees=60)
train(Path(sys.argv[1]), Path(sys.argv[2]), options, report, FakeClock())
"""


def test_a_training_that_was_killed_goes_on_after_the_heads_that_are_done(
    lake: Path, bundle: Path, tmp_path: Path
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(lake), str(tmp_path), str(UNTIL_MS)], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert not list(tmp_path.glob("home/*"))
    said: list[str] = []
    options = TrainOptions(until_ms=UNTIL_MS, trees=60)
    again = train(lake, tmp_path, options, said.append, FakeClock())
    assert [line for line in said if "done before" in line] == [
        "click: done before this training was stopped",
        "like: done before this training was stopped",
    ]
    for name in ("model.onnx", "manifest.json"):
        assert (again / name).read_bytes() == (bundle / name).read_bytes()
    assert [path.name for path in tmp_path.iterdir() if path.name != ".drafts"] == ["home"]


def test_a_training_of_something_else_does_not_go_on(lake: Path, tmp_path: Path) -> None:
    def stops_at_dwell(line: str) -> None:
        if line.startswith("dwell"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(lake, tmp_path, TrainOptions(until_ms=UNTIL_MS, trees=5), stops_at_dwell, FakeClock())
    said: list[str] = []
    train(lake, tmp_path, TrainOptions(until_ms=UNTIL_MS, trees=6), said.append, FakeClock())
    assert not any("done before" in line for line in said)
    assert not (tmp_path / ".checkpoints").exists()
