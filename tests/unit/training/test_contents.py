"""What a lake holds is counted once, and what it lacks is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.ids import IMPORTER_DATACENTER, IMPORTER_MACHINE, compose_id
from stores.lake import LakeReader
from stores.lake_imports import declare
from tests.unit.training.lakes import T0_MS, LakeBuilder
from training.contents import contents, last_fifth_ms


def test_everything_is_counted_once(tmp_path: Path) -> None:
    builder = LakeBuilder()
    for hour in range(10):
        for _ in range(2):
            builder.view("seen", T0_MS + hour * 3_600_000, viewer=1 + hour % 2, tweet=5 + hour)
        builder.tweet(T0_MS - hour * 86_400_000, tweet=5 + hour, author=6 + hour % 3)
    builder.view("click", T0_MS + 1, tweet=5)
    builder.like(T0_MS + 2, times=3)
    builder.like(T0_MS + 3, user=2)
    builder.follow(T0_MS, follower=1, followee=6)
    builder.follow(T0_MS, follower=1, followee=1)
    held = contents(builder.write(tmp_path))
    assert (held.viewers, held.tweets, held.authors, held.follows, held.impressions) == (2, 10, 3, 1, 10)
    assert held.did == {"like": 2, "click": 1}
    assert (held.imported, held.placed, held.randomised, held.same_hour) == (0.0, 1.0, 0.0, 1.0)
    assert held.declared


def test_a_chance_of_one_is_none(tmp_path: Path) -> None:
    builder = LakeBuilder()
    # Ranked without a draw; drawn; drawn and never seen; of before it was recorded.
    for tweet, (propensity, looked_at) in enumerate([(1.0, 1), (0.25, 1), (0.25, 0), (None, 1)], start=5):
        builder.served(T0_MS, tweet=tweet, propensity=propensity)
        if looked_at:
            builder.view("seen", T0_MS + 1, tweet=tweet)
    builder.view("seen", T0_MS + 2, request="bb", tweet=6)
    assert contents(builder.write(tmp_path)).randomised == 1 / 4


@pytest.mark.parametrize(("declared_ms", "all_are"), [((), False), ((T0_MS,), False), ((T0_MS + 9,), True)])
def test_how_far_a_source_is_complete_is_said_of_each_imported_impression(
    tmp_path: Path, declared_ms: tuple[int, ...], all_are: bool
) -> None:
    builder = LakeBuilder()
    builder.last_id = compose_id(T0_MS, IMPORTER_DATACENTER, IMPORTER_MACHINE, 0)
    builder.view("seen", T0_MS)
    builder.view("seen", T0_MS + 9, tweet=6)
    builder.write(tmp_path)
    for number, end_ms in enumerate(declared_ms):
        declare(tmp_path, str(number), end_ms)
    held = contents(LakeReader(tmp_path))
    assert (held.imported, held.declared) == (1.0, all_are)


def test_four_fifths_are_before_the_end_of_a_training(tmp_path: Path) -> None:
    builder = LakeBuilder()
    for minute in range(100):
        builder.view("seen", T0_MS + minute * 600_000, tweet=minute)
    end_ms = last_fifth_ms(builder.write(tmp_path))
    assert end_ms % 3_600_000 == 0
    assert 70 <= (end_ms - T0_MS) / 600_000 <= 80


@pytest.mark.parametrize(("step_ms", "minutes"), [(6_000, 7), (100, 0)])
def test_a_history_of_minutes_leaves_something_to_learn_from(
    tmp_path: Path, step_ms: int, minutes: int
) -> None:
    began_ms = T0_MS // 3_600_000 * 3_600_000
    builder = LakeBuilder()
    for at in range(100):
        builder.view("seen", began_ms + at * step_ms, tweet=at)
    end_ms = last_fifth_ms(builder.write(tmp_path))
    # Of ten minutes a full one; of ten seconds the moment itself.
    assert end_ms - began_ms == (minutes * 60_000 or 79 * step_ms)


def test_without_impressions_nothing_can_be_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds no impression"):
        contents(LakeBuilder().write(tmp_path))
