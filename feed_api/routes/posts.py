"""POST /v1/tweets: tweets, replies and retweets; DELETE /v1/tweets/{tweet_id}."""

from __future__ import annotations

import asyncio

import msgspec
from fastapi import APIRouter, Response

from core.errors import Forbidden, InvalidField, NotFound
from core.ids import TweetId, UserId, id_time_ms
from core.types import MAX_TEXT_CODE_POINTS, Tweet
from eventlog import tweet_facts
from feed_api import aftermath, idempotency, rendering
from feed_api.direct_write import DirectWrite
from feed_api.idempotency import Attempt, HeaderKey, WriteRoute, key_of
from feed_api.schemas import IdPath
from feed_api.services import Caller, Services, Wired
from feed_api.targets import author_of, live_tweet, own_profile
from feed_api.write_schemas import Act, NewTweet, NewTweetAnswer
from stores.ports import CountKind, IdempotentAnswer

router = APIRouter()

POST = WriteRoute("POST /v1/tweets", 201, "post")
DELETE = WriteRoute("DELETE /v1/tweets/{tweet_id}", 204, "engage")
_answer_decoder = msgspec.json.Decoder(dict[str, str])


async def post_tweet(services: Wired, caller: Caller, header_key: HeaderKey, body: NewTweet) -> Response:
    """Answers after the durable write and before fan-out; the author's own feed has it at once."""
    caller.require("write")
    key = key_of(header_key, body.idempotency_key)
    _check_form(body)
    attempt = await idempotency.begin(services, caller.user_id, POST, key, *_asked(body))
    if attempt.first is not None:
        return await _repeat(services, attempt, attempt.first)
    await own_profile(services, caller.user_id)
    target_author = await _target_author(services, caller.user_id, body)

    tweet_id = TweetId(services.mint())
    tweet = _tweet_of(tweet_id, caller.user_id, body)
    answer = _answer(tweet)
    records = tweet_facts.written(tweet, event_id=tweet.tweet_id, target_author=target_author)
    posted = await services.tweets.create(tweet, attempt.keeping(answer), records)
    if posted.first is not None:
        return await _repeat(services, attempt, posted.first)
    if posted.retweet is not None:
        return await idempotency.keep(services, attempt, _answer(posted.retweet))
    await asyncio.gather(
        services.tweet_cache.put(tweet),
        aftermath.show_to_author(services, tweet.author_id, tweet_id),
        _hint_edge(services, tweet, 1, tweet_id),
    )
    return POST.answer(answer)


router.add_api_route(
    "/v1/tweets",
    post_tweet,
    methods=["POST"],
    status_code=POST.status,
    response_model=NewTweetAnswer,
    summary="Post a tweet, a reply or a retweet",
    description="A retweet is `retweet_of` without a text. There is one of a tweet a user: the second is "
    "answered as the first, until that is deleted.",
    openapi_extra=POST.documented(),
    route_class_override=DirectWrite,
)


@router.delete(
    "/v1/tweets/{tweet_id}",
    status_code=DELETE.status,
    response_class=Response,
    summary="Delete one's own tweet, for good",
    openapi_extra=DELETE.documented(),
)
async def delete_tweet(
    services: Wired, caller: Caller, header_key: HeaderKey, tweet_id: IdPath, body: Act | None = None
) -> Response:
    """From the answer on it is shown to nobody; deleting it again changes nothing."""
    caller.require("write")
    key = key_of(header_key, None if body is None else body.idempotency_key)
    attempt = await idempotency.begin(services, caller.user_id, DELETE, key, str(tweet_id))
    if attempt.first is not None:
        return await _gone(services, attempt.repeat(attempt.first), tweet_id)
    await own_profile(services, caller.user_id)
    tweet = (await services.tweets.get_many([tweet_id])).get(tweet_id)
    if tweet is None:
        deletion = (await services.tweets.deletions([tweet_id])).get(tweet_id)
        if deletion is None:
            raise NotFound("there is no tweet of this id", field="tweet_id")
        _require_own(caller.user_id, deletion.author_id)
        answer = await idempotency.keep(services, attempt, b"")
        return await _gone(services, answer, tweet_id)
    _require_own(caller.user_id, tweet.author_id)
    # Clocks differ between machines: it may have an id from what is the future here.
    ver = max(services.mint(), tweet.tweet_id + 1)
    records = tweet_facts.deleted(tweet, ver=ver, target_author=await _author_of_target(services, tweet))
    written = await services.tweets.delete(tweet, ver=ver, outbox=records, idempotency=attempt.keeping(b""))
    if written.changed:
        await _hint_edge(services, tweet, -1, ver)
    answer = DELETE.answer(b"") if written.first is None else attempt.repeat(written.first)
    return await _gone(services, answer, tweet_id)


async def _gone(services: Services, answer: Response, tweet_id: int) -> Response:
    """Every time that a deletion is acknowledged: the first time may have ended before the caches knew."""
    services.last_pages.bury(tweet_id)
    await aftermath.bury(services, [tweet_id])
    return answer


async def _repeat(services: Services, attempt: Attempt, first: IdempotentAnswer) -> Response:
    answer = attempt.repeat(first)
    tweet_id = int(_answer_decoder.decode(first.answer)["tweet_id"])
    await aftermath.show_to_author(services, attempt.user, tweet_id)
    return answer


def _check_form(body: NewTweet) -> None:
    """What no single field can say: raises InvalidField."""
    if body.retweet_of is None:
        if "text" not in body.model_fields_set:
            raise InvalidField("this field is required", field="text")
        if not body.text:
            raise InvalidField(f"must have 1 to {MAX_TEXT_CODE_POINTS} characters", field="text", limit=1)
    elif body.reply_to_tweet_id is not None:
        raise InvalidField("a tweet is a reply or a retweet, not both", field="retweet_of")
    elif body.text:
        raise InvalidField("a retweet has no text of its own", field="text", limit=0)


def _asked(body: NewTweet) -> list[str]:
    asked = [body.text]
    if body.reply_to_tweet_id is not None:
        asked.append(f"reply {body.reply_to_tweet_id}")
    if body.retweet_of is not None:
        asked.append(f"retweet {body.retweet_of}")
    return asked


async def _target_author(services: Services, caller: UserId, body: NewTweet) -> int:
    """Whose tweet it answers or repeats, once that may be answered or repeated; 0 for a plain tweet."""
    if body.reply_to_tweet_id is not None:
        target, field = body.reply_to_tweet_id, "reply_to_tweet_id"
    elif body.retweet_of is not None:
        target, field = body.retweet_of, "retweet_of"
    else:
        return 0
    return (await live_tweet(services, caller, TweetId(target), field)).tweet.author_id


def _tweet_of(tweet_id: TweetId, author: UserId, body: NewTweet) -> Tweet:
    return Tweet(
        tweet_id,
        author,
        body.text,
        id_time_ms(tweet_id),
        None if body.reply_to_tweet_id is None else TweetId(body.reply_to_tweet_id),
        None if body.retweet_of is None else TweetId(body.retweet_of),
    )


def _answer(tweet: Tweet) -> bytes:
    """The 201's body: a pure function of the stored row."""
    return rendering.encode(
        {
            "tweet_id": str(tweet.tweet_id),
            "created_at": rendering.timestamp(tweet.created_ms),
            "author_id": str(tweet.author_id),
            "fan_out_status": "queued",
        }
    )


def _require_own(caller: UserId, author: UserId) -> None:
    if author != caller:
        raise Forbidden("this tweet is somebody else's", field="tweet_id")


async def _author_of_target(services: Services, tweet: Tweet) -> int:
    target = tweet.retweet_of if tweet.reply_to is None else tweet.reply_to
    try:
        return 0 if target is None else await author_of(services, target)
    except NotFound:
        # Other people's data may point to what never came along.
        return 0


async def _hint_edge(services: Services, tweet: Tweet, by: int, ver: int) -> None:
    edges: tuple[tuple[TweetId | None, CountKind], ...] = (
        (tweet.reply_to, "replies"),
        (tweet.retweet_of, "retweets"),
    )
    for target, kind in edges:
        if target is not None:
            await aftermath.hint(services, target, kind, by, ver)
