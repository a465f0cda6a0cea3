"""The matrix: decay, shrinkage, what missing means, and the same bits in any batch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from core.ids import compose_id
from features.accumulate import Entity, FeatureState, Observation, tweet_attributes
from features.compute import matrix
from features.moments import UNKNOWN, Moments, code, codes
from features.row_block import RowBlock
from features.schema import ENGAGEMENTS, FEATURES, SUM_EVENTS, VIEWS, ViewName

NOW_MS = 1_700_000_000_000
DAY_MS = 86_400_000
VIEWER = 9
TWEET = compose_id(NOW_MS - 6 * 3_600_000, 1, 1, 0)
AUTHOR = 5


def block(state: FeatureState, view: ViewName, entities: list[Entity]) -> RowBlock:
    rows = RowBlock.missing(VIEWS[view], len(entities))
    for i, entity in enumerate(entities):
        if (row := state.row(view, entity)) is not None:
            rows.put(i, schema_id=row.schema_id, event_ts_s=row.event_ts_s, seq=row.seq, values=row.values)
    return rows


def blocks_of(state: FeatureState, candidates: list[tuple[int, int]]) -> dict[ViewName, RowBlock]:
    return {
        "g": block(state, "g", [0]),
        "u": block(state, "u", [VIEWER]),
        "t": block(state, "t", [tweet for tweet, _ in candidates]),
        "a": block(state, "a", [author for _, author in candidates]),
        "va": block(state, "va", [(VIEWER, author) for _, author in candidates]),
    }


def inputs(
    state: FeatureState, candidates: list[tuple[int, int]], now_ms: int = NOW_MS
) -> NDArray[np.float32]:
    return matrix(blocks_of(state, candidates), moments_of(candidates, now_ms))


def moments_of(candidates: list[tuple[int, int]], now_ms: int = NOW_MS) -> Moments:
    tweets, authors = np.array(candidates, np.int64).reshape(-1, 2).T
    return Moments(
        np.array([VIEWER]), authors, tweets, np.array([now_ms]), codes(["home"]), codes(["timeline"])
    )


def one(state: FeatureState, now_ms: int = NOW_MS) -> dict[str, float]:
    row = inputs(state, [(TWEET, AUTHOR)], now_ms)[0]
    return dict(zip(FEATURES, row.tolist(), strict=True))


def state_of(*kinds: str, at_ms: int = NOW_MS, viewer: int = VIEWER, tweet: int = TWEET) -> FeatureState:
    state = FeatureState()
    for kind in kinds:
        (known,) = (event for event in ENGAGEMENTS if event == kind)
        state.apply(Observation(at_ms, known, viewer, AUTHOR, tweet, value_ms=4_000))
    return state


def busy_world() -> tuple[FeatureState, list[tuple[int, int]]]:
    """Some 400 candidates, a third of them without any row."""
    random = np.random.default_rng(7)
    candidates = [(compose_id(NOW_MS - 60_000 * (i + 1), 1, 2, 0), 100 + i % 60) for i in range(400)]
    state = FeatureState()
    for _ in range(4_000):
        tweet, author = candidates[int(random.integers(0, 270))]
        at_ms = NOW_MS - int(random.integers(0, 20 * DAY_MS))
        kind = ENGAGEMENTS[int(random.integers(0, len(ENGAGEMENTS)))]
        viewer = VIEWER if random.random() < 0.2 else int(random.integers(20, 90))
        state.apply(Observation(at_ms, kind, viewer, author, tweet, int(random.integers(0, 200_000))))
    return state, candidates


def test_without_any_row_rates_are_the_first_guess_and_everything_else_is_missing() -> None:
    got = one(FeatureState())
    assert got["t.click_rate_2d"] == pytest.approx(0.1)
    assert got["va.dwell_rate_30d"] == pytest.approx(3.0)
    assert got["t.age_h"] == 6.0
    missing = {name for name, value in got.items() if math.isnan(value)}
    of_no_row = {name for name in FEATURES if "_rate_" in name} | {"t.age_h", "a.age_d", "u.age_d"}
    assert missing == set(FEATURES) - of_no_row - {"c.hour", "c.surface", "c.source"}


def test_rates_shrink_from_the_tweet_to_its_author_to_everything() -> None:
    got = one(state_of("seen", "seen", "click"))
    everything = (1 + 100 * 0.1) / (2 + 100)
    author = (1 + 20 * everything) / (2 + 20)
    assert got["a.click_rate_2d"] == pytest.approx(author)
    assert got["t.click_rate_2d"] == pytest.approx((1 + 10 * author) / (2 + 10))
    viewer = (1 + 10 * everything) / (2 + 10)
    assert got["u.click_rate_2d"] == pytest.approx(viewer)
    assert got["va.click_rate_2d"] == pytest.approx((1 + 5 * viewer) / (2 + 5))
    assert got["t.seen_log_2d"] == pytest.approx(math.log1p(2))


def test_a_missing_rows_rate_is_its_prior() -> None:
    state = state_of("seen", "click", "dwell", tweet=TWEET + 1, viewer=77)
    got = one(state)
    for event in SUM_EVENTS[1:]:
        for label in ("2d", "30d"):
            assert got[f"t.{event}_rate_{label}"] == got[f"a.{event}_rate_{label}"]
            assert got[f"va.{event}_rate_{label}"] == got[f"u.{event}_rate_{label}"]
    assert math.isnan(got["t.seen_log_2d"])
    assert not math.isnan(got["a.seen_log_2d"])


def test_sums_are_decayed_to_the_moment_asked_for() -> None:
    state = state_of("seen", "seen", "seen", "seen", at_ms=NOW_MS - 2 * DAY_MS)
    got = one(state)
    assert got["t.seen_log_2d"] == pytest.approx(math.log1p(2.0))
    assert got["t.seen_log_30d"] == pytest.approx(math.log1p(4 * 2 ** (-2 / 30)))
    assert got["va.since_seen_h"] == 48.0
    assert got["u.since_seen_h"] == 48.0


def test_the_pairs_last_meeting_is_older_than_its_last_event() -> None:
    state = state_of("seen", at_ms=NOW_MS - 10 * 3_600_000)
    state.apply(Observation(NOW_MS - 3_600_000, "click", VIEWER, AUTHOR, TWEET))
    assert one(state)["va.since_seen_h"] == 10.0
    assert math.isnan(one(state_of("click"))["va.since_seen_h"])


def test_a_row_older_than_its_views_ttl_is_missing() -> None:
    for view, name in (("t", "t.seen_log_2d"), ("va", "va.since_seen_h")):
        (ttl_s,) = (one.ttl_s for one in VIEWS.values() if one.name == view)
        state = state_of("seen", at_ms=NOW_MS - ttl_s * 1000)
        assert not math.isnan(one(state)[name])
        assert math.isnan(one(state, NOW_MS + 1_000)[name])


def test_a_row_from_after_the_moment_counts_as_of_its_own_time() -> None:
    assert one(state_of("seen"), NOW_MS - 60_000)["t.seen_log_2d"] == pytest.approx(math.log1p(1))
    assert one(state_of("seen"), NOW_MS - DAY_MS)["t.age_h"] == 0.0


def test_what_was_taken_back_after_it_had_decayed_is_no_negative_rate() -> None:
    state = state_of("seen", "like", at_ms=NOW_MS - DAY_MS)
    state.apply(Observation(NOW_MS, "like", VIEWER, AUTHOR, TWEET, weight=-1))
    got = one(state)
    assert 0.0 <= got["t.like_rate_2d"] < 0.02


def test_counts_and_attributes_are_given_as_they_stand() -> None:
    state = state_of("seen")
    said = tweet_attributes(120, "image", is_reply=True, is_retweet=False)
    state.apply(Observation(NOW_MS, "tweet", 0, AUTHOR, TWEET, attributes=said))
    for follower in (VIEWER, 50, 51):
        state.apply(Observation(NOW_MS, "follow", follower, AUTHOR, 0))
    got = one(state)
    assert [got[f"t.{name}"] for name in ("length", "media", "reply", "retweet")] == [120.0, 1.0, 1.0, 0.0]
    assert got["a.followers_log"] == pytest.approx(math.log1p(3))
    assert got["u.followees_log"] == pytest.approx(math.log1p(1))
    assert got["va.in_network"] == 1.0
    state.apply(Observation(NOW_MS, "follow", VIEWER, AUTHOR, 0, weight=-1))
    assert one(state)["va.in_network"] == 0.0
    # What is past its life is missing, whatever does not age in it.
    later = one(state, NOW_MS + (VIEWS["t"].ttl_s + 1) * 1000)
    assert all(math.isnan(later[name]) for name in ("t.length", "a.followers_log", "va.in_network"))


def test_more_unfollows_than_follows_are_none() -> None:
    state = state_of("seen")
    state.apply(Observation(NOW_MS, "follow", VIEWER, AUTHOR, 0, weight=-1))
    assert one(state)["a.followers_log"] == 0.0


def test_ages_are_those_of_the_ids() -> None:
    viewer, author = compose_id(NOW_MS - 3 * DAY_MS, 1, 1, 0), compose_id(NOW_MS + DAY_MS, 1, 1, 0)
    asked = moments_of([(TWEET, author)])._replace(viewers=np.array([viewer]))
    blocks = {name: RowBlock.missing(view, 1) for name, view in VIEWS.items()}
    got = dict(zip(FEATURES, matrix(blocks, asked)[0].tolist(), strict=True))
    assert (got["t.age_h"], got["u.age_d"], got["a.age_d"]) == (6.0, 3.0, 0.0)


def test_the_request_is_told_by_its_hour_surface_and_source() -> None:
    got = one(FeatureState())
    assert (got["c.hour"], got["c.surface"], got["c.source"]) == (22.0, 1.0, 2.0)
    asked = moments_of([(TWEET, AUTHOR), (TWEET, AUTHOR)])
    asked = asked._replace(sources=codes(["", "popular"]), surfaces=UNKNOWN)
    blocks = {name: RowBlock.missing(view, 1) for name, view in VIEWS.items()}
    table = matrix(blocks, asked)
    assert np.isnan(table[:, FEATURES.index("c.surface")]).all()
    assert table[:, FEATURES.index("c.source")].tolist() == pytest.approx(
        [math.nan, code("popular")], nan_ok=True
    )


def test_every_candidate_has_the_same_bits_alone_permuted_and_in_any_part_of_the_batch() -> None:
    state, candidates = busy_world()
    whole = inputs(state, candidates)
    assert whole.dtype == np.float32
    assert whole.shape == (len(candidates), len(FEATURES))
    for size in (1, 2, 3, 5, 7, 8, 9, 17, 100):
        for first in range(0, len(candidates), max(size, 37)):
            part = inputs(state, candidates[first : first + size])
            assert part.tobytes() == whole[first : first + size].tobytes()
    order = np.random.default_rng(3).permutation(len(candidates))
    permuted = inputs(state, [candidates[i] for i in order])
    assert permuted.tobytes() == whole[order].tobytes()


def test_a_row_per_candidate_and_a_moment_per_candidate_give_the_bits_of_a_request() -> None:
    """The batch has one row of every view an impression, the request one of the viewer for all."""
    state, candidates = busy_world()
    n = len(candidates)
    blocks = blocks_of(state, candidates)
    spread = {
        **blocks,
        "g": blocks["g"].take(np.zeros(n, np.intp)),
        "u": blocks["u"].take(np.zeros(n, np.intp)),
    }
    alike = moments_of(candidates)
    each = Moments(
        np.repeat(alike.viewers, n),
        alike.authors,
        alike.tweets,
        np.repeat(alike.at_ms, n),
        np.repeat(alike.surfaces, n),
        np.repeat(alike.sources, n),
    )
    batch = matrix(spread, each)
    assert batch.tobytes() == inputs(state, candidates).tobytes()


def test_no_candidates_no_rows() -> None:
    assert inputs(FeatureState(), []).shape == (0, len(FEATURES))


@pytest.mark.parametrize("new", ["viewer", "author", "tweet", "all three"])
def test_who_is_new_has_rates_of_somebody_and_nothing_that_is_not_known(new: str) -> None:
    """A cold start: rates are finite and of what is known beside it, and what is missing is never 0."""
    state = FeatureState()
    viewer, author, tweet = VIEWER, AUTHOR, TWEET
    if new in ("viewer", "all three"):
        viewer += 1_000
    if new in ("author", "all three"):
        author += 1_000
    if new != "viewer":
        tweet += 1_000
    for kind in ENGAGEMENTS:
        for _ in range(5):
            state.apply(Observation(NOW_MS, kind, viewer, author, tweet, value_ms=4_000))
    got = one(state)
    rates = {name: value for name, value in got.items() if "_rate_" in name}
    assert all(math.isfinite(value) and value > 0.0 for value in rates.values())
    unknown = {"viewer": "uv", "author": "tav", "tweet": "t", "all three": "tuav"}[new]
    views = {"u": "u", "a": "a", "t": "t", "v": "va"}
    missing = {views[one] for one in unknown}
    for name, value in got.items():
        view = name.split(".")[0]
        if view in missing and name not in rates and "age" not in name:
            assert math.isnan(value), name
    # Everything is seen in the parent's rate, which is what the newcomer has.
    for child, parent in (("t", "a"), ("va", "u"), ("a", "g"), ("u", "g")):
        if child in missing and parent != "g":
            assert got[f"{child}.click_rate_2d"] == got[f"{parent}.click_rate_2d"]
