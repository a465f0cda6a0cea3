"""The replay sees what serving could have known, and nothing of what comes after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.ids import compose_id
from features.accumulate import FeatureState, Observation, tweet_attributes
from features.compute import matrix
from features.moments import UNKNOWN, Moments
from features.packed_row import decode_block, encode_row
from features.schema import FEATURES, VIEWS
from tests.unit.training.lakes import T0_MS, LakeBuilder, world
from training.asof import features_as_of, observations

LAG_S = 60.0
LAG_MS = 60_000
LATE_MS = T0_MS + 10**12
SEEN = FEATURES.index("t.seen_log_30d")


def moments(*rows: tuple[int, int, int, int]) -> Moments:
    """Of (viewer, author, tweet, at_ms)."""
    viewers, authors, tweets, at_ms = np.array(rows, np.int64).reshape(-1, 4).T
    return Moments(viewers, authors, tweets, at_ms, UNKNOWN, UNKNOWN)


def inputs(lake: LakeBuilder, root: Path, wanted: Moments, lag_s: float = LAG_S) -> NDArray[np.float32]:
    return features_as_of(observations(lake.write(root), until_ms=LATE_MS), wanted, lag_s=lag_s)


def test_an_observation_counts_once_it_is_older_than_the_lag(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.view("seen", T0_MS)
    at = [T0_MS + LAG_MS, T0_MS + LAG_MS + 1]
    known = inputs(lake, tmp_path, moments(*((1, 6, 5, at_ms) for at_ms in at)))
    assert np.isnan(known[:, SEEN]).tolist() == [True, False]


def test_without_a_lag_an_impression_still_does_not_see_itself(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.view("seen", T0_MS)
    lake.view("click", T0_MS)
    assert np.isnan(inputs(lake, tmp_path, moments((1, 6, 5, T0_MS)), lag_s=0.0)[0, SEEN])


def test_a_late_report_counts_from_when_it_arrived(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.view("seen", T0_MS)
    arrived_ms = T0_MS + 3_600_000
    # What happened at T0 was reported an hour later: the event's id says so.
    lake.rows["views"][-1]["event_id"] = compose_id(arrived_ms, 0, 0, 0)
    at = [T0_MS + 1_800_000, arrived_ms + LAG_MS + 1]
    known = inputs(lake, tmp_path, moments(*((1, 6, 5, at_ms) for at_ms in at)))
    assert np.isnan(known[:, SEEN]).tolist() == [True, False]


def test_rows_are_those_of_features_and_compute(tmp_path: Path) -> None:
    lake = world(impressions=200)
    reader = lake.write(tmp_path)
    at_ms = T0_MS + 43_200_000
    row = lake.rows["views"][0]
    key = (row["viewer"], row["author"], row["tweet"])
    replayed = observations(reader, until_ms=LATE_MS)
    state = FeatureState()
    for one in replayed.iter_rows(named=True):
        if one.pop("arrived_ms") < at_ms - LAG_MS:
            state.apply(Observation(**one))
    blocks = {}
    entities = {"g": 0, "u": key[0], "a": key[1], "t": key[2], "va": (key[0], key[1])}
    for name, view in VIEWS.items():
        found = state.row(name, entities[name])
        blocks[name] = decode_block([None if found is None else encode_row(*found)], view)
    expected = matrix(blocks, moments((*key, at_ms)))
    got = features_as_of(replayed, moments((*key, at_ms)), lag_s=LAG_S)
    assert got.tobytes() == expected.tobytes()


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
)
@given(
    at_s=st.integers(0, 86_400),
    kind=st.sampled_from(["seen", "click", "dwell"]),
    pick=st.integers(0, 299),
)
def test_an_event_at_t_changes_no_row_before_t(
    tmp_path_factory: pytest.TempPathFactory, at_s: int, kind: str, pick: int
) -> None:
    lake = world(impressions=300)
    rows = [row for row in lake.rows["views"] if row["kind"] == "seen"]
    wanted = moments(*((row["viewer"], row["author"], row["tweet"], row["ts_ms"]) for row in rows))
    before = inputs(lake, tmp_path_factory.mktemp("lake"), wanted)
    chosen = rows[pick]
    at_ms = T0_MS + at_s * 1000
    canary = {"viewer": chosen["viewer"], "tweet": chosen["tweet"], "author": chosen["author"]}
    lake.view(kind, at_ms, request="canary", value_ms=1_000, **canary)
    after = inputs(lake, tmp_path_factory.mktemp("lake"), wanted)
    unaware = wanted.at_ms <= at_ms + LAG_MS
    assert before[unaware].tobytes() == after[unaware].tobytes()
    # The canary does sing: the global row behind every shrunk rate changes afterwards.
    assert unaware.all() or before[~unaware].tobytes() != after[~unaware].tobytes()


@pytest.mark.parametrize("chunk", [1, 7, 10_000])
def test_neither_chunks_nor_order_change_a_bit(tmp_path: Path, chunk: int) -> None:
    lake = world(impressions=150)
    replayed = observations(lake.write(tmp_path), until_ms=LATE_MS)
    rows = [(row["viewer"], row["author"], row["tweet"], row["ts_ms"]) for row in lake.rows["views"]]
    whole = features_as_of(replayed, moments(*rows), lag_s=LAG_S)
    shuffled = np.random.default_rng(1).permutation(len(rows))
    parts = features_as_of(replayed, moments(*(rows[i] for i in shuffled)), lag_s=LAG_S, chunk=chunk)
    assert parts.tobytes() == whole[shuffled].tobytes()


def test_nothing_to_replay_for(tmp_path: Path) -> None:
    replayed = observations(LakeBuilder().write(tmp_path), until_ms=LATE_MS)
    assert features_as_of(replayed, moments(), lag_s=LAG_S).shape == (0, len(FEATURES))


def observed(replayed: pl.DataFrame) -> list[Observation]:
    rows = replayed.drop("arrived_ms").iter_rows()
    return [Observation._make(row)._replace(attributes=tuple(row[-1])) for row in rows]


def test_what_is_written_followed_and_answered_is_observed_too(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.tweet(T0_MS, text_len=42, reply_to=3, media_kind="video")
    lake.follow(T0_MS + 1)
    lake.edge("reply", T0_MS + 2)
    lake.edge("retweet", T0_MS + 3, on=False)
    # Of a user whom nobody wrote down.
    lake.edge("reply", T0_MS + 4, user=0)
    lake.follow(T0_MS + 5, on=False)
    assert observed(observations(lake.write(tmp_path), until_ms=LATE_MS)) == [
        Observation(T0_MS, "tweet", 0, 6, 5, attributes=tweet_attributes(42, "video", True, False)),
        Observation(T0_MS + 1, "follow", 1, 6, 0),
        Observation(T0_MS + 2, "reply", 1, 6, 5),
        Observation(T0_MS + 3, "retweet", 1, 6, 5, weight=-1),
        Observation(T0_MS + 5, "follow", 1, 6, 0, weight=-1),
    ]


def test_a_tweet_of_an_older_lake_says_what_that_knew(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.tweet(T0_MS, text_len=42, reply_to=None, media_kind=None)
    (one,) = observed(observations(lake.write(tmp_path), until_ms=LATE_MS))
    assert one.attributes[0] == 42.0
    assert np.isnan(one.attributes[1:]).tolist() == [True] * 2 + [False]


def test_a_version_of_an_edge_counts_once_whatever_its_events_are_called(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.follow(T0_MS, on=False)
    # A block ended it both ways, as the events of one id.
    (ended,) = lake.rows["follows"]
    lake.rows["follows"].append(ended | {"follower": 6, "followee": 1})
    lake.like(T0_MS + 1)
    # Told of again under another id.
    (liked,) = lake.rows["edges"]
    lake.rows["edges"].append(liked | {"event_id": liked["event_id"] + 1})
    found = observed(observations(lake.write(tmp_path), until_ms=LATE_MS))
    assert sorted(found) == [
        Observation(T0_MS, "follow", 1, 6, 0, weight=-1),
        Observation(T0_MS, "follow", 6, 1, 0, weight=-1),
        Observation(T0_MS + 1, "like", 1, 6, 5),
    ]


def test_observations_are_counted_once_and_in_their_own_order(tmp_path: Path) -> None:
    lake = LakeBuilder()
    lake.view("dwell", T0_MS + 30, value_ms=700)
    lake.view("seen", T0_MS + 10)
    lake.view("seen", T0_MS + 11)
    lake.view("report", T0_MS + 12)
    lake.view("seen", T0_MS + 13, request="bb")
    lake.like(T0_MS + 20, times=2)
    lake.like(T0_MS + 25, on=False)
    lake.view("click", T0_MS + 99)
    replayed = observations(lake.write(tmp_path), until_ms=T0_MS + 99)
    assert replayed.columns == [*Observation._fields, "arrived_ms"]
    assert observed(replayed) == [
        Observation(T0_MS + 10, "seen", 1, 6, 5, 0, 1),
        Observation(T0_MS + 13, "seen", 1, 6, 5, 0, 1),
        Observation(T0_MS + 20, "like", 1, 6, 5, 0, 1),
        Observation(T0_MS + 25, "like", 1, 6, 5, 0, -1),
        Observation(T0_MS + 30, "dwell", 1, 6, 5, 700, 1),
    ]
