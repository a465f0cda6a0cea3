"""Answers made by msgspec have the fields, in the form, that the documented models say."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel, TypeAdapter

from core.deadline import Deadline
from core.ids import TweetId, UserId
from core.timings import Timings
from core.types import Tweet, User
from feed_api import rendering
from feed_api.schemas import FeedAnswer, TweetAnswer, UserAnswer, UserTweetsAnswer
from feed_api.signatures import Signer
from ranking.query import FeedItem, FeedMeta, FeedPage, FeedPosition, FeedQuery
from stores.ports import Counts
from stores.tweet_cache import LiveTweet
from tests.fakes import FakeClock
from tests.unit.ranking.items import feed_item, shown, shown_retweet

ADA = User(UserId(21), "ada", "Ada 👩‍💻", 1_700_000_000_007)
PLAIN = Tweet(TweetId(2**63 - 1), UserId(21), 'Grüße "\n\u2028', 1_700_000_000_007)
REPLY = Tweet(TweetId(101), UserId(21), "x", 0, reply_to=TweetId(99))
BOB = User(UserId(22), "bob", "Bob", 1_700_000_000_007)
RETWEET = Tweet(TweetId(102), UserId(22), "", 0, retweet_of=REPLY.tweet_id)
COUNTS = Counts(1_234, 2, 3)
ENGAGEMENT = {"likes": 1_234, "retweets": 2, "replies": 3, "likes_display": "1.2K"}


def _names(model: type[BaseModel], answer: dict[str, Any], path: str = "") -> None:
    """Every object of the answer has the model's fields, in their order, and no other."""
    assert list(answer) == sorted(answer, key=list(model.model_fields).index), path
    assert set(answer) == set(model.model_fields), path
    for name, field in model.model_fields.items():
        kind, value = field.annotation, answer[name]
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            _names(kind, value, f"{path}.{name}")
        elif isinstance(value, list) and value:
            (inner,) = kind.__args__  # type: ignore[union-attr]  # list[Model]
            for one in value:
                _names(inner, one, f"{path}.{name}")
        elif isinstance(value, dict):
            inner, _ = kind.__args__  # type: ignore[union-attr]  # Model | None
            _names(inner, value, f"{path}.{name}")


def _feed(page: FeedPage) -> dict[str, Any]:
    clock = FakeClock()
    query = FeedQuery(
        UserId(7), 20, "ranked", None, uuid.UUID(int=5), 0, Deadline.after_ms(1, clock), Timings(clock)
    )
    signer, following = Signer(bytes(32)), page.next_position
    cursor = None if following is None else signer.cursor(query.viewer, following)
    tweets = rendering.feed_tweets_json(signer, query, page)
    answer: dict[str, Any] = msgspec.json.Decoder().decode(
        rendering.feed_json(query, tweets, cursor, page.meta)
    )
    return answer


@pytest.mark.parametrize(
    "meta",
    [
        FeedMeta("chronological", "chronological", "full"),
        FeedMeta("ranked", "chronological", "chronological", "no_model", partial=True),
        FeedMeta("ranked", "ranked", "full", None, "home@1", "engagement@1", "slate", remade=True),
    ],
)
def test_a_feed_has_the_documented_fields(meta: FeedMeta) -> None:
    retweet = FeedItem(RETWEET, BOB, 2, LiveTweet(REPLY, COUNTS), ADA)
    items = [feed_item(PLAIN, ADA, 0), feed_item(REPLY, ADA, 1), retweet]
    page = FeedPage(items, FeedPosition("c", below=1), meta)
    answer = _feed(page)
    _names(FeedAnswer, answer)
    read = FeedAnswer.model_validate(answer, strict=True)
    assert read.model_dump(mode="json") == answer
    assert read.has_more
    assert read.tweets[0].text == PLAIN.text
    assert read.tweets[1].reply_to_tweet_id == "99"
    assert answer["tweets"][2]["engagement"] == ENGAGEMENT
    # What is learnt of a retweet is learnt of what it repeats.
    tracked = Signer(bytes(32)).read_tracking(UserId(7), read.tweets[2].tracking)
    assert (tracked.tweet, tracked.author, tracked.position) == (101, 21, 2)


def test_the_end_of_a_feed_has_no_cursor() -> None:
    answer = _feed(FeedPage([], None, FeedMeta("chronological", "chronological", "full")))
    assert (answer["tweets"], answer["next_cursor"], answer["has_more"]) == ([], None, False)
    FeedAnswer.model_validate(answer, strict=True)


def test_a_tweet_and_a_profile_have_the_documented_fields() -> None:
    for one in (shown(PLAIN, ADA), shown(REPLY, ADA), shown_retweet(RETWEET, BOB, REPLY, ADA)):
        answer = msgspec.json.Decoder().decode(rendering.tweet_json(one))
        _names(TweetAnswer, answer)
        read = TypeAdapter(TweetAnswer).validate_python(answer, strict=True)
        assert read.tweet_id == str(one.tweet.tweet_id)
        assert (read.original is None) == (one.tweet.retweet_of is None)
    answer = msgspec.json.Decoder().decode(rendering.user_json(ADA))
    _names(UserAnswer, answer)
    assert answer["created_at"] == "2023-11-14T22:13:20.007Z"


def test_a_retweet_comes_with_what_it_repeats_and_with_its_counts() -> None:
    answer = msgspec.json.Decoder().decode(
        rendering.tweet_json(shown_retweet(RETWEET, BOB, REPLY, ADA, COUNTS))
    )
    original = answer["original"]
    assert (answer["tweet_id"], answer["text"], answer["retweet_of"]) == ("102", "", "101")
    assert answer["author"]["handle"] == "bob"
    assert (original["tweet_id"], original["text"], original["retweet_of"]) == ("101", "x", None)
    assert (original["author"]["handle"], original["reply_to_tweet_id"]) == ("ada", "99")
    assert answer["engagement"] == original["engagement"] == ENGAGEMENT
    assert answer["media"] == original["media"] == []
    assert "original" not in original


def test_a_users_tweets_have_the_documented_fields() -> None:
    for cursor in (None, "next"):
        page = [shown(PLAIN, ADA), shown_retweet(RETWEET, BOB, REPLY, ADA)]
        answer = msgspec.json.Decoder().decode(rendering.user_tweets_json(page, cursor))
        _names(UserTweetsAnswer, answer)
        read = TypeAdapter(UserTweetsAnswer).validate_python(answer, strict=True)
        assert (read.next_cursor, read.has_more) == (cursor, cursor is not None)


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_288_834_974_657, "2010-11-04T01:42:54.657Z"),
        (1_709_164_799_999, "2024-02-28T23:59:59.999Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
    ],
)
def test_times_are_rfc_3339_with_milliseconds(at_ms: int, text: str) -> None:
    assert rendering.timestamp(at_ms) == text
