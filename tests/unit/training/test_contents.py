"""What a lake holds is counted once, and what it lacks is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import ConfigurationError
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


def test_four_fifths_are_before_the_end_of_a_training(tmp_path: Path) -> None:
    builder = LakeBuilder()
    for minute in range(100):
        builder.view("seen", T0_MS + minute * 600_000, tweet=minute)
    end_ms = last_fifth_ms(builder.write(tmp_path))
    assert end_ms % 3_600_000 == 0
    assert 70 <= (end_ms - T0_MS) / 600_000 <= 80


def test_without_impressions_nothing_can_be_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds no impression"):
        contents(LakeBuilder().write(tmp_path))
