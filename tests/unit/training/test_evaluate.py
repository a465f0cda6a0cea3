"""What a bundle is worth, on what it did not learn from, and said so where that is not so."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from core.errors import ConfigurationError
from ranking.bundle import parse_time
from tests.unit.training.conftest import UNTIL_MS, quiet
from tests.unit.training.lakes import T0_MS, LakeBuilder
from training.evaluate import EvaluateOptions, evaluate
from training.evaluation import Evaluation, to_json
from training.evaluation_table import render_table


@pytest.fixture(scope="module")
def evaluation(lake: Path, bundle: Path) -> Evaluation:
    return evaluate(lake, bundle, EvaluateOptions(), quiet, champion_dir=bundle)


def test_evaluation_is_of_what_came_after_training(lake: Path, bundle: Path, evaluation: Evaluation) -> None:
    assert parse_time(evaluation.from_at) >= UNTIL_MS
    assert not evaluation.overlaps_training
    # Of the small world every request shows one item only.
    assert evaluation.group == "viewer-day"
    click = evaluation.heads["click"]
    assert set(click.baselines) == {"chronological", "popularity", "logistic", "champion"}
    assert click.auc is not None
    assert click.auc.value is not None
    assert click.auc.value > 0.7
    # 740 impressions of 60 viewers are enough to tell it from chronological.
    newest = click.baselines["chronological"].gain.auc
    assert newest.lo is not None
    assert newest.lo > 0
    again = evaluate(lake, bundle, EvaluateOptions(), quiet, champion_dir=bundle)
    assert to_json(again) == to_json(evaluation)


def test_a_model_gains_nothing_over_itself(evaluation: Evaluation) -> None:
    gain = evaluation.heads["click"].baselines["champion"].gain
    for one in (gain.auc, gain.ndcg10, gain.log_loss):
        assert one is not None
        assert (one.value, one.lo, one.hi) == (0.0, 0.0, 0.0)


def test_an_evaluation_can_be_read_by_people_and_programs(evaluation: Evaluation) -> None:
    told = to_json(evaluation)
    assert msgspec.json.Decoder(Evaluation).decode(told) == evaluation
    # The names that other programs go by.
    click = msgspec.json.Decoder().decode(told)["heads"]["click"]
    for measure in ("auc", "ndcg10"):
        assert set(click[measure]) == {"value", "lo", "hi"}
        for baseline in click["baselines"].values():
            assert set(baseline[measure]) == set(baseline["gain"][measure]) == {"value", "lo", "hi"}
    assert set(click["calibration"]) == {"error", "ratio"}
    assert set(click["slices"]) == {"new_viewers", "new_authors", "new_tweets"}
    table = render_table(evaluation)
    assert f"{click['auc']['value']:.4f}" in table
    assert {"chronological", "popularity", "logistic", "champion"} <= set(table.split())
    assert max(len(line) for line in table.splitlines()) <= 180


def test_weights_of_a_head_that_nobody_knows_cost_the_top_and_nothing_else(lake: Path, bundle: Path) -> None:
    options = EvaluateOptions(weights={"click": 1.0, "bookmark": 2.0, "hide": 0.0})
    evaluation = evaluate(lake, bundle, options, quiet)
    assert evaluation.top is None
    assert evaluation.heads["click"].ndcg10 is not None
    assert "bookmark is weighed" in evaluation.notes[-1]


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
    with pytest.raises(ConfigurationError, match=r"of 1 impressions .* none of the model's heads"):
        evaluate(tmp_path / "lake", bundle, EvaluateOptions(), quiet)


def test_another_lake_has_nothing_that_the_model_learned_from(bundle: Path, tmp_path: Path) -> None:
    lake = LakeBuilder()
    for i in range(4):
        lake.view("seen", UNTIL_MS + i, request=f"{i // 2:02x}", tweet=5 + i)
    lake.view("click", UNTIL_MS + 9, request="00", tweet=5)
    lake.write(tmp_path / "lake")
    evaluation = evaluate(tmp_path / "lake", bundle, EvaluateOptions(), quiet)
    click = evaluation.heads["click"]
    assert "logistic" not in click.baselines
    assert click.slices == {}
    assert any("no logistic regression" in note for note in evaluation.notes)
    assert "no logistic regression" in render_table(evaluation)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (EvaluateOptions(from_ms=UNTIL_MS + 10**12), "no impression from 2055.* complete until 2023"),
        (EvaluateOptions(from_ms=UNTIL_MS, to_ms=UNTIL_MS), "the range to judge on is empty"),
        (EvaluateOptions(lag_s=-1.0), "lag_s must not be negative"),
    ],
)
def test_ranges_that_cannot_be_are_refused(
    lake: Path, bundle: Path, options: EvaluateOptions, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        evaluate(lake, bundle, options, quiet)
