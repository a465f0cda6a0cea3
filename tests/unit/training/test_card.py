"""The card: whole by itself, escaped, and of every head."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from core.errors import Corrupt
from features.schema import FEATURES
from ranking.bundle import load_bundle
from tests.pages import parsed
from tests.unit.training.conftest import quiet
from training.card import GAIN_FILE, card_files, evaluation_card, read_gains
from training.evaluate import EvaluateOptions, evaluate
from training.plots import calibration_plot, gain_plot, interval_plot
from training.resampling import Estimate


def test_training_leaves_a_card_that_needs_nothing_else(bundle: Path) -> None:
    page = (bundle / "card.html").read_text()
    assert {"svg", "table", "style"} <= parsed(page).seen
    manifest = load_bundle(bundle).manifest
    assert manifest.sha256 in page
    for heading in ("<h2>click", "Calibration", "AUC by slice", "Gain"):
        assert heading in page
    gains = read_gains(bundle)["click"]
    assert set(gains) == set(FEATURES)
    assert max(gains, key=lambda name: gains[name]) in page


def test_an_evaluation_makes_the_same_page_of_its_range(lake: Path, bundle: Path) -> None:
    evaluation = evaluate(lake, bundle, EvaluateOptions(), quiet)
    noted = msgspec.structs.replace(evaluation, notes=["<script>alert('1')</script>"])
    page = evaluation_card(load_bundle(bundle).manifest, noted, read_gains(bundle)).decode()
    assert "script" not in parsed(page).seen
    assert evaluation.from_at in page
    assert "Gain" in page


def test_names_are_escaped(bundle: Path) -> None:
    manifest = msgspec.structs.replace(load_bundle(bundle).manifest, name="<b>&", version="\"'")
    page = card_files(manifest, {}, {"click": {"<i>": 1.0}})["card.html"].decode()
    assert not {"b", "i"} & parsed(page).seen
    assert "Nothing was measured" in page


def test_nothing_to_plot_is_no_plot() -> None:
    assert calibration_plot([]) == gain_plot({}) == gain_plot({"a": 0.0}) == ""
    assert interval_plot([("a", "model", Estimate(None, None, None))]) == ""
    assert "<svg" in interval_plot([("a", "model", Estimate(0.5, None, None))])


def test_a_bundle_without_gains_is_older_and_damaged_ones_are_said(tmp_path: Path) -> None:
    assert read_gains(tmp_path) == {}
    (tmp_path / GAIN_FILE).write_bytes(b"[")
    with pytest.raises(Corrupt, match="cannot be read"):
        read_gains(tmp_path)
