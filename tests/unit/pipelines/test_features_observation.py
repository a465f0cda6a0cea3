"""Events as observations."""

from __future__ import annotations

import pytest

from core.errors import Corrupt
from core.types import EngagementType
from eventlog.envelope import decode_envelope
from eventlog.log import Entry
from eventlog.schema import (
    BlockSet,
    Event,
    FollowSet,
    LikeSet,
    ReplySet,
    RetweetSet,
    TweetCreated,
    Viewed,
    record_of,
)
from eventlog.worker import Arrived
from features.accumulate import Observation
from pipelines.features_observation import Counted, counted_of

NOW_MS = 1_700_000_000_000
REQUEST = b"r" * 16


def arrived(event: Event, *, ts_ms: int = NOW_MS, id: int = 1, ver: int | None = None) -> Arrived:
    record = record_of(event, id=id, ts_ms=ts_ms, key=1, ver=ver)
    entry = Entry(record.topic, 0, 1, 1, record.value, NOW_MS)
    return Arrived(entry, decode_envelope(record.value), event)


def counted(event: Event, *, ts_ms: int = NOW_MS, id: int = 1, ver: int | None = None) -> Counted:
    got = counted_of(arrived(event, ts_ms=ts_ms, id=id, ver=ver), not_after_ms=NOW_MS)
    assert got is not None
    return got


def viewed(kind: EngagementType = "seen", *, viewer: int = 1, tweet: int = 2, author: int = 3) -> Viewed:
    return Viewed(viewer, REQUEST, tweet, author, kind, value_ms=4_000)


def test_a_view_keeps_its_own_time_and_value() -> None:
    assert counted(viewed("dwell"), ts_ms=7).observation == Observation(7, "dwell", 1, 3, 2, 4_000)


def test_a_like_counts_one_and_an_unlike_takes_one_away() -> None:
    assert counted(LikeSet(1, 2, True, 3)).observation == Observation(NOW_MS, "like", 1, 3, 2)
    assert counted(LikeSet(1, 2, False, 3)).observation.weight == -1
    assert counted(LikeSet(1, 2, True)).observation.author == 0


def test_reports_and_other_events_are_no_observations() -> None:
    for event in (viewed("report"), BlockSet(1, 2, True), ReplySet(9, 2, True)):
        assert counted_of(arrived(event), not_after_ms=NOW_MS) is None


def test_replies_and_retweets_are_their_users() -> None:
    assert counted(ReplySet(9, 2, True, 1, 3)).observation == Observation(NOW_MS, "reply", 1, 3, 2)
    taken_back = counted(RetweetSet(1, 2, False, 9, 3)).observation
    assert taken_back == Observation(NOW_MS, "retweet", 1, 3, 2, weight=-1)


def test_a_follow_has_no_tweet_and_a_new_tweet_no_viewer() -> None:
    assert counted(FollowSet(1, 3, True)).observation == Observation(NOW_MS, "follow", 1, 3, 0)
    written = TweetCreated(2, 3, "grüße", NOW_MS, reply_to=9, media_kind="image")
    said = (5.0, 1.0, 1.0, 0.0)
    assert counted(written).observation == Observation(NOW_MS, "tweet", 0, 3, 2, attributes=said)


def test_no_two_facts_of_a_version_count_as_one() -> None:
    facts = [
        LikeSet(1, 2, True, 3),
        RetweetSet(1, 2, True, 9, 3),
        ReplySet(9, 2, True, 1, 3),
        FollowSet(1, 2, True),
        FollowSet(1, 3, True),
        TweetCreated(2, 3, "", NOW_MS),
    ]
    assert len({counted(fact, ver=5).key for fact in facts}) == len(facts)


def test_a_view_counts_once_per_viewer_request_tweet_and_kind() -> None:
    key = counted(viewed()).key
    assert counted(viewed(), id=9, ts_ms=5).key == key
    others = [
        viewed("click"),
        viewed(viewer=8),
        viewed(tweet=8),
        Viewed(1, b"s" * 16, 2, 3, "seen"),
        Viewed(1, b"", 2, 3, "seen"),
    ]
    assert len({key, *(counted(other).key for other in others)}) == len(others) + 1


def test_a_like_counts_once_per_version() -> None:
    key = counted(LikeSet(1, 2, True, 3), ver=5).key
    assert counted(LikeSet(1, 2, True, 3), id=7, ver=5).key == key
    assert counted(LikeSet(1, 2, False, 3), ver=6).key != key


@pytest.mark.parametrize(
    ("event", "ts_ms", "named"),
    [
        (viewed(viewer=0), NOW_MS, "viewer 0"),
        (viewed(tweet=2**63), NOW_MS, "tweet 9223372036854775808"),
        (viewed(author=-1), NOW_MS, "author -1"),
        (viewed(), -1, "an event of -1 ms"),
        (viewed(), NOW_MS + 1, "after 1700000000000 ms"),
        (LikeSet(0, 2, True), NOW_MS, "viewer 0"),
        (FollowSet(1, 0, True), NOW_MS, "author 0"),
        (TweetCreated(0, 3, "", NOW_MS), NOW_MS, "tweet 0"),
    ],
)
def test_what_no_row_can_take_is_refused_and_named(event: Event, ts_ms: int, named: str) -> None:
    with pytest.raises(Corrupt, match=named):
        counted(event, ts_ms=ts_ms)


def test_a_moment_that_a_row_cannot_hold_is_refused() -> None:
    with pytest.raises(Corrupt):
        counted_of(arrived(viewed(), ts_ms=2**33 * 1000), not_after_ms=2**62)
