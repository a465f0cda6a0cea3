"""Each step of the follow limits, on both of its sides."""

from __future__ import annotations

import pytest

from core.errors import FollowLimit
from feed_api.follow_limits import HOUR_MS, FollowLimits

LIMITS = FollowLimits(new=1_000, new_hours=24, free=2_000, percent=10, most=5_000)
OLD_MS = 24 * HOUR_MS
NEW_MS = OLD_MS - 1


@pytest.mark.parametrize(
    ("age_ms", "followees", "followers"),
    [
        (0, 999, 0),
        (NEW_MS, 999, 0),
        (OLD_MS, 1_000, 0),
        (OLD_MS, 1_999, 0),
        (OLD_MS, 2_000, 200),
        (OLD_MS, 4_999, 500),
    ],
)
def test_one_more_is_allowed(age_ms: int, followees: int, followers: int) -> None:
    LIMITS.check(age_ms=age_ms, followees=followees, followers=followers)


@pytest.mark.parametrize(
    ("age_ms", "followees", "followers", "limit", "says"),
    [
        (0, 1_000, 10_000, 1_000, "under 24 h"),
        (NEW_MS, 1_500, 0, 1_000, "under 24 h"),
        (OLD_MS, 2_000, 199, 2_000, "at least 10 %"),
        (OLD_MS, 4_999, 499, 2_000, "at least 10 %"),
        (OLD_MS, 5_000, 1_000_000, 5_000, "nobody"),
        (0, 5_000, 0, 5_000, "nobody"),
    ],
)
def test_the_step_is_named(age_ms: int, followees: int, followers: int, limit: int, says: str) -> None:
    with pytest.raises(FollowLimit, match=says) as caught:
        LIMITS.check(age_ms=age_ms, followees=followees, followers=followers)
    assert (caught.value.limit, caught.value.field) == (limit, "user_id")


def test_no_more_is_counted_than_matters() -> None:
    assert LIMITS.least == 1_000
    assert not LIMITS.asks_for_followers(1_999)
    assert LIMITS.asks_for_followers(2_000)
    assert LIMITS.followers_up_to == 500
    # As many as were counted at most are enough wherever more would be.
    LIMITS.check(age_ms=OLD_MS, followees=LIMITS.most - 1, followers=LIMITS.followers_up_to)
