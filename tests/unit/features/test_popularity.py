"""What is popular: many who saw it and did something with it, lately; by itself, and not hidden."""

from __future__ import annotations

import math

import numpy as np
import pytest

from features.accumulate import FeatureState, Observation, tweet_attributes
from features.popularity import popularity
from features.row_block import RowBlock
from features.schema import VIEWS, EventKind, ViewName

NOW_MS = 1_700_000_000_000
DAY_MS = 86_400_000


def block(state: FeatureState, view: ViewName, *entities: int) -> RowBlock:
    rows = RowBlock.missing(VIEWS[view], len(entities))
    for i, entity in enumerate(entities):
        if (row := state.row(view, entity)) is not None:
            rows.put(i, schema_id=row.schema_id, event_ts_s=row.event_ts_s, seq=row.seq, values=row.values)
    return rows


def seen(state: FeatureState, tweet: int, *kinds: EventKind, times: int = 1) -> None:
    for kind in kinds * times:
        state.apply(Observation(NOW_MS, kind, 9, 5, tweet))


def scores(state: FeatureState, *tweets: int, at_ms: int = NOW_MS) -> list[float]:
    found = popularity(block(state, "g", 0), block(state, "t", *tweets), at_ms)
    assert found.dtype == np.float64
    return [float(score) for score in found]


def test_the_score_is_the_shrunk_rate_times_the_logarithm_of_how_often() -> None:
    state = FeatureState()
    seen(state, 1, "seen", "seen", "seen", "like")
    guesses = {"click": 0.1, "like": 0.02, "reply": 0.005, "retweet": 0.005, "hide": 0.002}
    happened = {"like": 1}
    everything = {kind: (happened.get(kind, 0) + 100 * one) / (3 + 100) for kind, one in guesses.items()}
    rates = {kind: (happened.get(kind, 0) + 10 * one) / (3 + 10) for kind, one in everything.items()}
    expected = (sum(rates.values()) - 2 * rates["hide"]) * math.log1p(3 + 1)
    assert scores(state, 1) == [pytest.approx(expected)]


def test_more_of_the_same_is_more_popular_and_age_takes_it_away() -> None:
    state = FeatureState()
    for tweet, times in ((1, 2), (2, 20), (3, 200)):
        seen(state, tweet, "seen", "like", times=times)
    few, some, many = scores(state, 1, 2, 3)
    assert few < some < many
    assert scores(state, 3, at_ms=NOW_MS + 4 * DAY_MS)[0] < many


def test_a_few_who_all_liked_it_do_not_beat_the_many() -> None:
    state = FeatureState()
    seen(state, 1, "seen", "like")
    seen(state, 2, "seen", times=50)
    seen(state, 2, "like", times=25)
    one, many = scores(state, 1, 2)
    assert one < many


def test_likes_count_where_no_client_says_what_was_seen() -> None:
    state = FeatureState()
    seen(state, 1, "like", "like")
    assert scores(state, 1)[0] > 0


@pytest.mark.parametrize(("is_reply", "is_retweet"), [(True, False), (False, True)])
def test_a_reply_or_a_retweet_is_not_recommended(is_reply: bool, is_retweet: bool) -> None:
    state = FeatureState()
    attributes = tweet_attributes(20, "", is_reply, is_retweet)
    state.apply(Observation(NOW_MS, "tweet", 0, 5, 1, attributes=attributes))
    seen(state, 1, "seen", "like")
    assert scores(state, 1) == [0.0]


def test_nothing_is_popular_of_which_nothing_is_known_or_that_is_hidden_or_forgotten() -> None:
    state = FeatureState()
    state.apply(Observation(NOW_MS, "tweet", 0, 5, 1, attributes=tweet_attributes(20, "", False, False)))
    seen(state, 2, "seen", "hide", times=30)
    seen(state, 3, "seen", "like")
    unseen, hidden = scores(state, 1, 2)
    assert unseen == 0.0
    assert hidden < 0.0
    assert scores(state, 77) == [0.0]
    assert scores(state, 3, at_ms=NOW_MS + 91 * DAY_MS) == [0.0]


def test_nothing_of_nothing() -> None:
    assert scores(FeatureState()) == []
