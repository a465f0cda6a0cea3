"""The skew meter finds nothing where there is nothing, and names what differs, by how much and since when."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from core.errors import ConfigurationError
from features.schema import FEATURES
from tests.unit.training.lakes import T0_MS, LakeBuilder
from tests.unit.training.served_lakes import ITEMS_A_PAGE, VIEWERS, WAVE_MS, WAVES, served_lake
from training.skew import FeatureSkew, Skew, SkewOptions, measure_skew
from training.skew_table import render_skew
from wiring.cli import main

ALL = WAVES * VIEWERS * ITEMS_A_PAGE
RATE = FEATURES.index("t.click_rate_2d")
AGE = FEATURES.index("t.age_h")


def unequal(skew: Skew) -> dict[str, FeatureSkew]:
    return {one.feature: one for one in skew.features if one.unequal}


def test_what_was_served_is_what_the_lake_gives(tmp_path: Path) -> None:
    skew = measure_skew(served_lake(tmp_path), SkewOptions())
    assert (skew.scored, skew.drawn, skew.compared, skew.equal) == (ALL, ALL, ALL, ALL)
    assert (skew.older, skew.lost, skew.not_yet, skew.requests) == (0, 0, 0, WAVES * VIEWERS)
    assert [one.feature for one in skew.features] == list(FEATURES)
    assert all(one.compared == ALL for one in skew.features)
    assert not skew.differs
    assert not unequal(skew)


def test_a_formula_that_changed_is_named_with_its_difference_and_its_time(tmp_path: Path) -> None:
    def deployed_badly(wave: int, features: NDArray[np.float32]) -> NDArray[np.float32]:
        # From the fourth wave on somebody serves hours as if they were days.
        if wave >= 3:
            features = features.copy()
            features[:, AGE] /= 24.0
        return features

    skew = measure_skew(served_lake(tmp_path, served_as=deployed_badly), SkewOptions())
    assert skew.differs
    assert skew.equal == 3 * VIEWERS * ITEMS_A_PAGE
    (found,) = unequal(skew).values()
    assert (found.feature, found.unequal, found.only_served) == ("t.age_h", ALL // 2, 0)
    assert 0.0 < found.mean_difference <= found.max_difference < 3.0
    assert (found.first_at, found.last_at) == (
        "2023-11-14T22:17:05.003Z",
        "2023-11-14T22:19:05.003Z",
    )
    assert found.example is not None
    assert "request 03" in found.example


def test_a_missing_number_differs_from_any(tmp_path: Path) -> None:
    def forgetful(wave: int, features: NDArray[np.float32]) -> NDArray[np.float32]:
        features = features.copy()
        features[0, RATE] = np.nan
        features[1, AGE] = -features[1, AGE]
        return features

    found = unequal(measure_skew(served_lake(tmp_path, served_as=forgetful), SkewOptions()))
    assert set(found) == {"t.click_rate_2d", "t.age_h"}
    rate = found["t.click_rate_2d"]
    assert (rate.unequal, rate.only_recomputed, rate.only_served) == (WAVES * VIEWERS, WAVES * VIEWERS, 0)
    assert (rate.max_difference, rate.mean_difference) == (0.0, 0.0)
    assert found["t.age_h"].only_recomputed == 0


def test_a_row_that_was_changed_in_the_lake_is_found(tmp_path: Path) -> None:
    def changed(view: str, rows: pl.DataFrame) -> pl.DataFrame:
        clicks = pl.col("click_2d") + pl.when(pl.col("seq") == 2).then(0.25).otherwise(0.0)
        return rows.with_columns(clicks.cast(pl.Float32())) if view == "t" else rows

    skew = measure_skew(served_lake(tmp_path, stored_as=changed), SkewOptions())
    assert skew.differs
    assert set(unequal(skew)) == {"t.click_rate_2d"}


def test_rows_that_the_lake_skipped_are_lost_and_later_ones_not_there_yet(tmp_path: Path) -> None:
    skipped = measure_skew(served_lake(tmp_path / "skipped", keep=lambda wave: wave != 2), SkewOptions())
    assert skipped.differs
    assert skipped.lost > 0
    assert not unequal(skipped)
    assert skipped.compared + skipped.lost + skipped.not_yet == ALL
    early = measure_skew(served_lake(tmp_path / "early", keep=lambda wave: wave < WAVES - 1), SkewOptions())
    assert not early.differs
    assert (early.lost, early.equal) == (0, early.compared)
    # The global row changes with every wave.
    assert early.not_yet == VIEWERS * ITEMS_A_PAGE


def test_range_sample_and_schema(tmp_path: Path) -> None:
    lake = served_lake(tmp_path / "one")
    from_ms, to_ms = T0_MS + WAVE_MS, T0_MS + 3 * WAVE_MS
    bounded = measure_skew(lake, SkewOptions(from_ms=from_ms, to_ms=to_ms))
    assert (bounded.scored, bounded.equal) == (2 * VIEWERS * ITEMS_A_PAGE,) * 2
    sampled = measure_skew(lake, SkewOptions(sample=17))
    assert (sampled.scored, sampled.drawn, sampled.equal) == (ALL, 17, 17)
    older = measure_skew(served_lake(tmp_path / "two", schema_hash="older"), SkewOptions())
    assert (older.scored, older.older, older.compared, older.differs) == (ALL, ALL, 0, False)
    assert f"{ALL} were scored under another schema" in render_skew(older)


def test_where_there_is_nothing_to_compare(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no lake"):
        measure_skew(tmp_path / "none", SkewOptions())
    lake = LakeBuilder()
    lake.view("seen", T0_MS)
    lake.write(tmp_path / "lake")
    with pytest.raises(ConfigurationError, match="has no feature rows"):
        measure_skew(tmp_path / "lake", SkewOptions())
    with pytest.raises(ConfigurationError, match="nothing was served with features"):
        measure_skew(served_lake(tmp_path / "served"), SkewOptions(from_ms=T0_MS + WAVES * WAVE_MS))


def test_the_command_ends_with_1_where_something_differs(tmp_path: Path) -> None:
    served_lake(tmp_path / "right" / "lake")
    served_lake(tmp_path / "wrong" / "lake", served_as=lambda wave, features: features + np.float32(1))
    right = CliRunner().invoke(main, ["features", "skew"], env={"RANKFEED_HOME": str(tmp_path / "right")})
    assert (right.exit_code, right.output.count("\n")) == (0, 1)
    assert f"{ALL} have the same bits in each of {len(FEATURES)} features" in right.output
    environment = {"RANKFEED_HOME": str(tmp_path / "wrong")}
    wrong = CliRunner().invoke(main, ["features", "skew"], env=environment)
    assert wrong.exit_code == 1
    assert "t.click_rate_2d first: viewer 1, tweet " in wrong.output
    told = CliRunner().invoke(main, ["features", "skew", "--json", "--sample", "9"], env=environment)
    assert told.exit_code == 1
    skew = msgspec.json.Decoder(Skew).decode(told.output)
    assert (skew.drawn, skew.equal) == (9, 0)
