"""A tweet, a reply and a retweet, from their first event to their last."""

from __future__ import annotations

from core.ids import EPOCH_MS, TweetId, UserId, compose_id, id_time_ms
from core.types import Tweet
from eventlog import tweet_facts
from eventlog.envelope import decode_envelope
from eventlog.schema import Event, ReplySet, RetweetSet, TweetCreated, TweetDeleted, decode_event
from stores.ports import OutboxRecord

ADA, GRACE = UserId(10), UserId(20)
ID = TweetId(compose_id(EPOCH_MS + 1_000_000, 1, 1, 0))
VER = compose_id(EPOCH_MS + 2_000_000, 1, 1, 0)
PLAIN = Tweet(ID, ADA, "x", id_time_ms(ID))
REPLY = Tweet(ID, ADA, "x", id_time_ms(ID), reply_to=TweetId(7))
RETWEET = Tweet(ID, ADA, "", id_time_ms(ID), retweet_of=TweetId(8))


def told(records: list[OutboxRecord]) -> list[tuple[Event, int, int]]:
    """The events with their keys and versions."""
    found = []
    for record in records:
        envelope = decode_envelope(record.value)
        event = decode_event(envelope)
        assert event is not None
        assert (record.key, record.topic) == (envelope.key, event.topic)
        assert envelope.ts_ms == id_time_ms(envelope.ver)
        found.append((event, record.key, envelope.ver))
    return found


def test_a_tweet() -> None:
    assert told(tweet_facts.written(PLAIN, event_id=ID)) == [(TweetCreated.of(PLAIN), ADA, ID)]
    assert told(tweet_facts.deleted(PLAIN, ver=VER)) == [(TweetDeleted(ID, ADA), ADA, VER)]


def test_a_reply_tells_of_its_edge_and_of_its_end() -> None:
    assert told(tweet_facts.written(REPLY, event_id=ID, target_author=GRACE)) == [
        (TweetCreated.of(REPLY), ADA, ID),
        (ReplySet(ID, 7, True, ADA, GRACE), 7, ID),
    ]
    assert told(tweet_facts.deleted(REPLY, ver=VER, target_author=GRACE)) == [
        (TweetDeleted(ID, ADA), ADA, VER),
        (ReplySet(ID, 7, False, ADA, GRACE), 7, VER),
    ]


def test_a_retweet_tells_of_its_edge_and_of_its_end() -> None:
    assert told(tweet_facts.written(RETWEET, event_id=ID, target_author=GRACE)) == [
        (TweetCreated.of(RETWEET), ADA, ID),
        (RetweetSet(ADA, 8, True, ID, GRACE), 8, ID),
    ]
    assert told(tweet_facts.deleted(RETWEET, ver=VER)) == [
        (TweetDeleted(ID, ADA), ADA, VER),
        (RetweetSet(ADA, 8, False, ID), 8, VER),
    ]
