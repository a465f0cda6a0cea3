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
from feed_api.schemas import FeedAnswer, TweetAnswer, UserAnswer
from feed_api.signatures import Signer
from ranking.query import FeedItem, FeedMeta, FeedPage, FeedPosition, FeedQuery
from tests.fakes import FakeClock

ADA = User(UserId(21), "ada", "Ada 👩‍💻", 1_700_000_000_007)
PLAIN = Tweet(TweetId(2**63 - 1), UserId(21), 'Grüße "\n\u2028', 1_700_000_000_007)
REPLY = Tweet(TweetId(101), UserId(21), "x", 0, reply_to=TweetId(99), retweet_of=TweetId(98))


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


def _feed(page: FeedPage) -> dict[str, Any]:
    clock = FakeClock()
    query = FeedQuery(
        UserId(7), 20, "ranked", None, uuid.UUID(int=5), 0, Deadline.after_ms(1, clock), Timings(clock)
    )
    signer, following = Signer(bytes(32)), page.next_position
    cursor = None if following is None else signer.cursor(query.viewer, following)
    tweets = rendering.feed_tweets_json(signer, query, page)
    answer: dict[str, Any] = msgspec.json.decode(rendering.feed_json(query, tweets, cursor, page.meta))
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
    page = FeedPage([FeedItem(PLAIN, ADA, 0), FeedItem(REPLY, ADA, 1)], FeedPosition("c", below=1), meta)
    answer = _feed(page)
    _names(FeedAnswer, answer)
    read = FeedAnswer.model_validate(answer, strict=True)
    assert read.model_dump(mode="json") == answer
    assert read.has_more
    assert read.tweets[0].text == PLAIN.text
    assert read.tweets[1].reply_to_tweet_id == "99"


def test_the_end_of_a_feed_has_no_cursor() -> None:
    answer = _feed(FeedPage([], None, FeedMeta("chronological", "chronological", "full")))
    assert (answer["tweets"], answer["next_cursor"], answer["has_more"]) == ([], None, False)
    FeedAnswer.model_validate(answer, strict=True)


def test_a_tweet_and_a_profile_have_the_documented_fields() -> None:
    for tweet in (PLAIN, REPLY):
        answer = msgspec.json.decode(rendering.tweet_json(tweet, ADA))
        _names(TweetAnswer, answer)
        assert TypeAdapter(TweetAnswer).validate_python(answer, strict=True).tweet_id == str(tweet.tweet_id)
    answer = msgspec.json.decode(rendering.user_json(ADA))
    _names(UserAnswer, answer)
    assert answer["created_at"] == "2023-11-14T22:13:20.007Z"


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
