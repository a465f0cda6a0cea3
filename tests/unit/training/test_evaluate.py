"""What a bundle is worth, on what it did not learn from, and said so where that is not so."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from core.errors import ConfigurationError
from ranking.bundle import parse_time
from tests.unit.training.conftest import UNTIL_MS, quiet
from tests.unit.training.lakes import T0_MS, LakeBuilder
from training.evaluate import EvaluateOptions, Evaluation, evaluate, render_table, to_json


def test_evaluation_is_of_what_came_after_training(lake: Path, bundle: Path) -> None:
    evaluation = evaluate(lake, bundle, EvaluateOptions(), quiet)
    assert parse_time(evaluation.from_at) >= UNTIL_MS
    assert not evaluation.overlaps_training
    assert [order.name for order in evaluation.orders] == [
        "model",
        "item's click-through alone",
        "chronological",
    ]
    model, item, newest = evaluation.orders
    assert evaluation.auc == model.auc > 0.7
    for other in (item, newest):
        assert other.gain is not None
        assert other.gain_lo is not None
        assert other.gain_hi is not None
        assert other.gain == pytest.approx(model.auc - other.auc)
        assert other.gain_lo < other.gain < other.gain_hi
    # 740 impressions of 60 viewers are enough to tell it from chronological, not from the items' rates.
    assert newest.gain_lo is not None
    assert newest.gain_lo > 0
    assert evaluate(lake, bundle, EvaluateOptions(), quiet) == evaluation


def test_an_evaluation_can_be_read_by_people_and_programs(lake: Path, bundle: Path) -> None:
    evaluation = evaluate(lake, bundle, EvaluateOptions(), quiet)
    assert msgspec.json.decode(to_json(evaluation), type=Evaluation) == evaluation
    table = render_table(evaluation)
    assert f"{evaluation.auc:.4f}" in table
    assert "item's click-through alone" in table
    assert "chronological" in table
    assert max(len(line) for line in table.splitlines()) <= 160


def test_an_evaluation_of_learned_impressions_says_so(lake: Path, bundle: Path) -> None:
    said: list[str] = []
    evaluation = evaluate(lake, bundle, EvaluateOptions(from_ms=T0_MS), said.append)
    assert evaluation.overlaps_training
    assert any("learned from" in line for line in said)
    assert "flatters" in render_table(evaluation)


def test_a_range_without_both_kinds_cannot_be_judged(bundle: Path, tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.view("seen", UNTIL_MS + 1)
    lake.write(tmp_path / "lake")
    with pytest.raises(ConfigurationError, match="0 of 1 impressions"):
        evaluate(tmp_path / "lake", bundle, EvaluateOptions(), quiet)
