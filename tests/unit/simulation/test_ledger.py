"""The ledger knows what a feed holds and what is counted."""

from __future__ import annotations

from simulation.ledger import Counted, Ledger


def ledger() -> Ledger:
    made = Ledger()
    made.followed(1, 7)
    for author, tweet_id in ((7, 70), (7, 71), (8, 80)):
        made.posted(author, tweet_id)
    return made


def test_a_feed_is_what_followees_posted_and_what_one_wrote() -> None:
    one = ledger()
    one.replied(1, 80, 90)
    one.retweeted(1, 70, 91)
    # One's own retweet stands for its original, a reply for itself.
    assert one.feed_of(1) == {71, 90, 91}
    one.followed(1, 8)
    one.delete(70)
    assert one.feed_of(1) == {71, 80, 90}
    assert one.feed_of(2) == set()


def test_counts_are_of_people_not_of_calls() -> None:
    one = ledger()
    for viewer in (1, 1, 2):
        one.liked(viewer, 70)
    one.unliked(2, 70)
    one.retweeted(2, 70, 92)
    assert one.counted(70) == Counted(1, 1, 0)
    assert one.touched == {70}
    one.begin_counting()
    assert one.touched == set()
    assert one.likes(1, 70)
    assert one.has_retweeted(2, 70)


def test_the_newest_that_stands_is_the_one_to_delete() -> None:
    one = ledger()
    assert one.newest_of(7) == 71
    one.delete(71)
    assert one.newest_of(7) == 70
    assert one.newest_of(99) is None
