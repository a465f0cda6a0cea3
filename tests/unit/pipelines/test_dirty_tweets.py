"""Dirty tweets: each at its time, once more after that, and nothing committed before it is counted."""

from __future__ import annotations

from eventlog.log import TopicPartition
from pipelines.dirty_tweets import DirtyTweets, Place
from stores.ports import Bucket

EDGES_0, EDGES_1 = TopicPartition("edges.v1", 0), TopicPartition("edges.v1", 1)
FOREVER_S = float("inf")


def marked(*marks: tuple[int, int, TopicPartition, int]) -> DirtyTweets:
    """Of (tweet, bucket, partition, offset), all of them at once."""
    dirty = DirtyTweets()
    for tweet, number, partition, offset in marks:
        mark(dirty, tweet, number, partition, offset)
    return dirty


def mark(
    dirty: DirtyTweets, tweet: int, number: int, partition: TopicPartition, offset: int, now_s: float = 100.0
) -> None:
    dirty.mark(Bucket(tweet, "likes", number), Place(partition, offset), at_ms=5, now_s=now_s)


def test_many_changes_are_one_visit() -> None:
    dirty = marked((7, 1, EDGES_0, 10), (7, 1, EDGES_0, 11), (7, 2, EDGES_0, 12), (8, 0, EDGES_1, 3))
    visits = dirty.take(100.0, 10)
    assert [visit.buckets() for visit in visits] == [
        [Bucket(7, "likes", 1), Bucket(7, "likes", 2)],
        [Bucket(8, "likes", 0)],
    ]
    assert dirty.take(FOREVER_S, 10) == []


def test_what_is_not_due_waits() -> None:
    dirty = marked((7, 1, EDGES_0, 10))
    assert dirty.next_due_s() == 100.0
    assert dirty.take(99.9, 10) == []
    (visit,) = dirty.take(100.0, 10)
    dirty.counted(visit, next_s=105.0, now_s=100.0)
    mark(dirty, 7, 3, EDGES_0, 20)
    assert (dirty.next_due_s(), dirty.take(104.9, 10)) == (105.0, [])
    assert [visit.buckets() for visit in dirty.take(105.0, 10)] == [[Bucket(7, "likes", 3)]]


def test_no_more_are_taken_than_wanted() -> None:
    dirty = marked(*((tweet, 0, EDGES_0, tweet) for tweet in range(5)))
    assert [len(dirty.take(100.0, 2)) for _ in range(4)] == [2, 2, 1, 0]


def test_a_tweet_is_visited_once_more_and_then_forgotten() -> None:
    dirty = marked((7, 1, EDGES_0, 10))
    (visit,) = dirty.take(100.0, 10)
    dirty.counted(visit, next_s=105.0, now_s=100.0)
    (again,) = dirty.take(105.0, 10)
    assert again.buckets() == []
    dirty.counted(again, next_s=110.0, now_s=105.0)
    assert (len(dirty), dirty.next_due_s()) == (0, None)


def test_what_happens_during_the_last_visit_is_visited_at_once() -> None:
    dirty = marked((7, 1, EDGES_0, 10))
    (visit,) = dirty.take(100.0, 10)
    dirty.counted(visit, next_s=105.0, now_s=100.0)
    (again,) = dirty.take(105.0, 10)
    mark(dirty, 7, 2, EDGES_0, 11)
    dirty.counted(again, next_s=110.0, now_s=105.5)
    assert dirty.next_due_s() == 105.5


def test_only_what_is_counted_is_done() -> None:
    dirty = marked((7, 1, EDGES_0, 10), (8, 1, EDGES_0, 12), (9, 1, EDGES_1, 5))
    handled = {EDGES_0: 20, EDGES_1: 6, TopicPartition("tweets.v1", 0): 3}
    assert dirty.done(handled) == handled | {EDGES_0: 10, EDGES_1: 5}
    seven, eight, nine = dirty.take(100.0, 10)
    assert dirty.done(handled) == handled | {EDGES_0: 10, EDGES_1: 5}
    dirty.counted(seven, next_s=105.0, now_s=100.0)
    assert dirty.done(handled) == handled | {EDGES_0: 12, EDGES_1: 5}
    # What comes during the visit holds on.
    mark(dirty, 8, 1, EDGES_0, 19)
    dirty.counted(eight, next_s=105.0, now_s=100.0)
    dirty.counted(nine, next_s=105.0, now_s=100.0)
    assert dirty.done(handled) == handled | {EDGES_0: 19}
    assert dirty.done({}) == {}


def test_what_is_given_back_holds_what_it_held() -> None:
    dirty = marked((7, 1, EDGES_0, 10))
    (visit,) = dirty.take(100.0, 10)
    mark(dirty, 7, 2, EDGES_0, 15)
    dirty.give_back(visit, again_s=101.0)
    assert dirty.done({EDGES_0: 20}) == {EDGES_0: 10}
    assert dirty.next_due_s() == 101.0
    (again,) = dirty.take(101.0, 10)
    assert again.buckets() == [Bucket(7, "likes", 1), Bucket(7, "likes", 2)]


def test_what_was_counted_and_not_written_comes_twice_more() -> None:
    dirty = marked((7, 1, EDGES_0, 10))
    (visit,) = dirty.take(100.0, 10)
    visit.dirt.buckets.clear()
    dirty.give_back(visit, again_s=101.0)
    (again,) = dirty.take(101.0, 10)
    assert (again.buckets(), again.dirt.is_news) == ([], True)
    dirty.counted(again, next_s=106.0, now_s=101.0)
    assert dirty.done({EDGES_0: 20}) == {EDGES_0: 20}
    (last,) = dirty.take(106.0, 10)
    dirty.counted(last, next_s=111.0, now_s=106.0)
    assert len(dirty) == 0


def test_the_first_event_tells_the_time() -> None:
    dirty = DirtyTweets()
    for at_ms in (9, 0, 4):
        dirty.mark(Bucket(7, "likes", 1), None, at_ms=at_ms, now_s=1.0)
    (visit,) = dirty.take(1.0, 10)
    assert (visit.dirt.since_ms, visit.dirt.first) == (0, {})
