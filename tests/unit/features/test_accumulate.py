"""From observations to rows: the formula, any order, any restart, and nothing from the future."""

from __future__ import annotations

import math
from array import array
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UnknownVersion
from features.accumulate import Entity, FeatureState, Observation, PackedRow, tweet_attributes
from features.packed_row import decode_row, encode_row
from features.schema import ENGAGEMENTS, OTHER_MEDIA, VIEWS, EventKind, ViewName

START_MS = 1_700_000_000_000
DAY_MS = 86_400_000
VIEWER, AUTHOR, TWEET = 11, 22, 33

OBSERVATIONS = st.lists(
    st.builds(
        Observation,
        ts_ms=st.integers(START_MS, START_MS + 20 * DAY_MS),
        kind=st.sampled_from(ENGAGEMENTS),
        viewer=st.integers(1, 3),
        author=st.integers(0, 3),
        tweet=st.integers(1, 3),
        value_ms=st.integers(0, 200_000),
        weight=st.sampled_from((1, 1, 1, -1)),
    ),
    max_size=40,
)


def observation(
    kind: EventKind = "seen", at_s: float = 0, *, author: int = AUTHOR, value_ms: int = 0, weight: int = 1
) -> Observation:
    return Observation(START_MS + int(at_s * 1000), kind, VIEWER, author, TWEET, value_ms, weight)


def is_long(one: Observation) -> bool:
    return one.kind == "dwell" and one.value_ms >= 10_000


def state_of(*observations: Observation) -> FeatureState:
    state = FeatureState()
    for one in observations:
        state.apply(one)
    return state


def value(state: FeatureState, view: ViewName, entity: Entity, field: str) -> float:
    row = state.row(view, entity)
    assert row is not None
    return row.values[VIEWS[view].index(field)]


def packed(state: FeatureState) -> dict[tuple[ViewName, Entity], bytes]:
    return {(row.view, row.entity): row.packed for row in state.drain()}


def test_an_observation_goes_into_the_rows_of_all_that_it_concerns() -> None:
    state = state_of(observation("click"))
    assert {(row.view, row.entity) for row in state.drain()} == {
        ("g", 0),
        ("u", VIEWER),
        ("a", AUTHOR),
        ("t", TWEET),
        ("va", (VIEWER, AUTHOR)),
    }
    assert value(state, "t", TWEET, "click_2d") == 1.0
    assert value(state, "t", TWEET, "seen_2d") == 0.0


def test_an_unknown_author_has_no_rows() -> None:
    state = state_of(observation("like", author=0))
    assert {row.view for row in state.drain()} == {"g", "u", "t"}


def test_a_sum_halves_with_each_half_life_on_whole_seconds() -> None:
    state = state_of(observation("click", 0.9), observation("click", 2 * 86_400 + 0.1))
    assert value(state, "t", TWEET, "click_2d") == 1.5
    assert value(state, "t", TWEET, "click_30d") == pytest.approx(1 + 2 ** (-2 / 30), rel=1e-7)


def test_a_dwell_is_summed_in_seconds_up_to_a_cap() -> None:
    state = state_of(observation("dwell", value_ms=1_500), observation("dwell", value_ms=3_600_000))
    assert value(state, "t", TWEET, "dwell_2d") == 121.5
    state.apply(observation("dwell", value_ms=-5))
    assert value(state, "t", TWEET, "dwell_2d") == 121.5


def test_a_dwell_of_ten_seconds_is_a_long_one() -> None:
    state = state_of(observation("dwell", value_ms=9_999), observation("dwell", value_ms=10_000))
    assert value(state, "u", VIEWER, "long_dwell_2d") == 1.0
    assert value(state, "u", VIEWER, "dwell_2d") == pytest.approx(19.999)


def follow(at_s: float = 0, *, on: bool = True) -> Observation:
    return Observation(START_MS + int(at_s * 1000), "follow", VIEWER, AUTHOR, 0, weight=1 if on else -1)


def test_a_follow_is_counted_on_both_sides_and_known_to_the_pair() -> None:
    state = state_of(follow())
    assert {row.view for row in state.drain()} == {"u", "a", "va"}
    assert value(state, "u", VIEWER, "followees") == 1.0
    assert value(state, "a", AUTHOR, "followers") == 1.0
    assert value(state, "va", (VIEWER, AUTHOR), "follows") == 1.0
    state.apply(follow(60, on=False))
    assert value(state, "a", AUTHOR, "followers") == 0.0
    assert value(state, "va", (VIEWER, AUTHOR), "follows") == 0.0


def test_an_older_follow_that_comes_late_is_counted_and_does_not_say_how_it_is_now() -> None:
    state = state_of(follow(60, on=False), follow(0))
    assert value(state, "va", (VIEWER, AUTHOR), "follows") == 0.0
    assert value(state, "a", AUTHOR, "followers") == 0.0
    state.apply(follow(60))
    assert value(state, "va", (VIEWER, AUTHOR), "follows") == 1.0


def test_a_new_tweet_says_what_it_is() -> None:
    said = tweet_attributes(42, "video", is_reply=True, is_retweet=False)
    state = state_of(Observation(START_MS, "tweet", 0, AUTHOR, TWEET, attributes=said))
    assert {row.view for row in state.drain()} == {"t"}
    names = ("text_len", "media_kind", "is_reply", "is_retweet")
    assert [value(state, "t", TWEET, name) for name in names] == [42.0, 2.0, 1.0, 0.0]
    assert tweet_attributes(0, "hologram", is_reply=False, is_retweet=False)[1] == OTHER_MEDIA


def test_counts_and_attributes_outlive_a_row_that_starts_anew() -> None:
    said = tweet_attributes(42, "", is_reply=False, is_retweet=False)
    state = state_of(
        Observation(START_MS, "tweet", 0, AUTHOR, TWEET, attributes=said), observation("like"), follow()
    )
    state.apply(observation("seen", VIEWS["t"].ttl_s + 1))
    row = state.row("t", TWEET)
    assert row is not None
    assert row.seq == 1
    assert value(state, "t", TWEET, "text_len") == 42.0
    assert value(state, "t", TWEET, "like_30d") == 0.0
    assert value(state, "a", AUTHOR, "followers") == 1.0
    assert value(state, "va", (VIEWER, AUTHOR), "follows") == 1.0
    assert math.isnan(value(state, "va", (VIEWER, AUTHOR), "last_follow"))


def test_an_unlike_takes_its_like_back() -> None:
    state = state_of(observation("like"), observation("like", weight=-1))
    assert value(state, "a", AUTHOR, "like_30d") == 0.0


def test_the_last_time_seen_is_stored_before_the_rows_time() -> None:
    state = state_of(observation("click"))
    assert math.isnan(value(state, "va", (VIEWER, AUTHOR), "last_seen"))
    state.apply(observation("seen", 10))
    state.apply(observation("click", 25))
    assert value(state, "va", (VIEWER, AUTHOR), "last_seen") == 15.0
    state.apply(observation("seen", 5))
    assert value(state, "va", (VIEWER, AUTHOR), "last_seen") == 15.0
    state.apply(observation("seen", 20))
    assert value(state, "va", (VIEWER, AUTHOR), "last_seen") == 5.0


def test_a_late_observation_is_added_decayed_and_leaves_the_rows_time() -> None:
    state = state_of(observation("click", 2 * 86_400), observation("click", 0))
    row = state.row("t", TWEET)
    assert row is not None
    assert (row.event_ts_s, row.seq) == (START_MS // 1000 + 2 * 86_400, 2)
    assert value(state, "t", TWEET, "click_2d") == 1.5


def test_a_row_starts_anew_after_its_ttl_and_takes_nothing_from_before_it() -> None:
    ttl_s = VIEWS["t"].ttl_s
    state = state_of(observation("click"), observation("click", ttl_s + 1))
    row = state.row("t", TWEET)
    assert row is not None
    assert row.seq == 1
    assert value(state, "t", TWEET, "click_30d") == 1.0
    state.apply(observation("click", 0))
    assert value(state, "t", TWEET, "click_30d") == 1.0
    at_the_edge = state_of(observation("click"), observation("click", ttl_s))
    assert value(at_the_edge, "t", TWEET, "click_30d") == pytest.approx(1.125)


@given(OBSERVATIONS)
def test_rows_are_the_sums_that_the_definition_says(observations: list[Observation]) -> None:
    state = state_of(*observations)
    for tweet in {one.tweet for one in observations}:
        mine = [one for one in observations if one.tweet == tweet]
        row = state.row("t", tweet)
        assert row is not None
        assert row.event_ts_s == max(one.ts_ms // 1000 for one in mine)
        assert row.seq == len(mine)
        for field, got in zip(VIEWS["t"].fields, row.values, strict=True):
            if field.kind != "sum":
                assert math.isnan(got)
                continue
            expected = sum(
                one.weight
                * (min(one.value_ms, 120_000) / 1000 if field.event == "dwell" else 1.0)
                * 2.0 ** (-(row.event_ts_s - one.ts_ms // 1000) / field.half_life_s)
                for one in mine
                if one.kind == field.event or (is_long(one) and field.event == "long_dwell")
            )
            assert got == pytest.approx(expected, rel=1e-5, abs=1e-3)


@given(OBSERVATIONS, st.randoms(use_true_random=False))
def test_order_does_not_matter_up_to_rounding(observations: list[Observation], random: Random) -> None:
    shuffled = random.sample(observations, len(observations))
    one, other = state_of(*observations), state_of(*shuffled)
    for row in one.drain():
        left, right = one.row(row.view, row.entity), other.row(row.view, row.entity)
        assert left is not None
        assert right is not None
        assert (left.event_ts_s, left.seq) == (right.event_ts_s, right.seq)
        assert list(left.values) == pytest.approx(list(right.values), rel=1e-5, abs=1e-3, nan_ok=True)


@given(OBSERVATIONS, st.integers(0, 40))
def test_going_on_from_packed_rows_gives_the_same_bits(observations: list[Observation], cut: int) -> None:
    whole = packed(state_of(*observations))
    before = state_of(*observations[:cut])
    stored = {(row.view, row.entity): row for row in before.drain()}
    after = FeatureState()
    for view, entity in after.unknown(observations[cut:]):
        if (row := stored.get((view, entity))) is not None:
            after.load(view, entity, row.packed)
    for one in observations[cut:]:
        after.apply(one)
    assert {key: row.packed for key, row in stored.items()} | packed(after) == whole


@given(OBSERVATIONS, st.integers(START_MS, START_MS + 20 * DAY_MS))
def test_an_event_changes_no_row_before_it(observations: list[Observation], canary_ms: int) -> None:
    """The canary: rows as of any earlier moment are the same with and without it."""
    in_order = sorted(observations, key=lambda one: one.ts_ms)
    canary = Observation(canary_ms, "click", 1, 1, 1)
    with_canary = sorted([*in_order, canary], key=lambda one: one.ts_ms)
    without, state = FeatureState(), FeatureState()
    for one in in_order:
        if one.ts_ms < canary_ms:
            without.apply(one)
    for one in with_canary:
        if one.ts_ms < canary_ms:
            state.apply(one)
    assert packed(state) == packed(without)


def test_only_what_changed_since_the_last_drain_is_drained() -> None:
    state = state_of(observation())
    assert len(state.drain()) == 5
    assert state.drain() == []
    state.apply(Observation(START_MS, "seen", VIEWER + 1, AUTHOR, TWEET))
    assert {row.view for row in state.drain()} == {"g", "u", "a", "t", "va"}
    assert len(state) == 7


def test_what_is_in_memory_is_not_asked_for_again_until_it_is_cleared() -> None:
    state = FeatureState()
    wanted = [("g", 0), ("t", TWEET), ("u", VIEWER), ("a", AUTHOR), ("va", (VIEWER, AUTHOR))]
    assert state.unknown([observation(), observation("click")]) == wanted
    assert state.unknown([observation(author=0)]) == wanted[:3]
    assert state.unknown([follow()]) == wanted[2:]
    assert state.unknown([Observation(START_MS, "tweet", 0, AUTHOR, TWEET)]) == [("t", TWEET)]
    state.apply(observation())
    assert state.unknown([observation()]) == []
    state.clear()
    assert state.unknown([observation()]) == wanted
    assert state.drain() == []
    assert len(state) == 0


def test_a_loaded_row_has_not_changed_and_a_foreign_one_is_refused() -> None:
    (row,) = (row for row in state_of(observation()).drain() if row.view == "t")
    state = FeatureState()
    state.load("t", TWEET, row.packed)
    assert state.drain() == []
    assert value(state, "t", TWEET, "seen_2d") == 1.0
    with pytest.raises(UnknownVersion):
        state.load("a", AUTHOR, row.packed)
    assert state.row("a", AUTHOR) is None


def test_a_row_of_an_older_schema_is_gone_on_with() -> None:
    older = encode_row(4, START_MS // 1000, 7, array("f", [3.0] * 10))
    state = FeatureState()
    state.load("t", TWEET, older)
    state.apply(observation("reply"))
    (row,) = (row for row in state.drain() if row.view == "t")
    got = decode_row(row.packed, VIEWS["t"])
    assert (got.schema_id, got.seq) == (VIEWS["t"].schema_id, 8)
    assert value(state, "t", TWEET, "hide_30d") == 3.0
    assert value(state, "t", TWEET, "reply_2d") == 1.0
    assert math.isnan(value(state, "t", TWEET, "media_kind"))


def test_a_packed_row_says_whose_it_is() -> None:
    rows = state_of(observation()).drain()
    assert all(isinstance(row, PackedRow) for row in rows)
    assert [row.entity for row in rows if row.view == "va"] == [(VIEWER, AUTHOR)]
