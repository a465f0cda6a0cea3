"""Replies, retweets and deletions over HTTP, and what is told of them."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from core.clock import SystemClock
from eventlog.envelope import decode_envelope
from eventlog.reading import read
from eventlog.schema import EDGES, TWEETS, Event, ReplySet, RetweetSet, TweetDeleted, decode_event
from tests.e2e.live_stack import LiveStack
from tests.e2e.people import Person, make_people
from wiring.cli.operated_log import open_log


async def told(stack: LiveStack, *topics: str) -> dict[Event, int]:
    """Every event of these topics, and its highest version."""
    found: dict[Event, int] = {}
    async with open_log(stack.settings, SystemClock()) as log:
        async for entry in read(log, topics):
            envelope = decode_envelope(entry.value)
            event = decode_event(envelope)
            assert event is not None
            found[event] = max(found.get(event, 0), envelope.ver)
    return found


@pytest.fixture
async def people(stack: LiveStack, http: httpx.AsyncClient) -> tuple[Person, Person, Person]:
    ada, bob, eve = await make_people(stack, http, 3)
    return ada, bob, eve


async def test_a_reply_and_a_retweet_are_tweets_of_their_own(people: tuple[Person, ...]) -> None:
    ada, bob, _ = people
    tweet_id = await ada.post("x")
    reply, retweet = await bob.reply(tweet_id, "indeed"), await bob.retweet(tweet_id)
    own = await ada.call("POST", "/v1/tweets", json={"retweet_of": str(tweet_id), "text": ""})
    assert own.status_code == 201
    shown = (await ada.call("GET", f"/v1/tweets/{reply}")).json()
    assert (shown["text"], shown["reply_to_tweet_id"], shown["retweet_of"]) == ("indeed", str(tweet_id), None)
    assert shown["author"]["user_id"] == str(bob.user_id)
    shown = (await ada.call("GET", f"/v1/tweets/{retweet}")).json()
    assert (shown["text"], shown["reply_to_tweet_id"], shown["retweet_of"]) == ("", None, str(tweet_id))


async def test_a_second_retweet_is_answered_as_the_first(people: tuple[Person, ...]) -> None:
    ada, bob, eve = people
    tweet_id = await ada.post("x")
    body = {"retweet_of": str(tweet_id)}
    answers = await asyncio.gather(*(bob.call("POST", "/v1/tweets", json=body) for _ in range(15)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    first = int(answers[0].json()["tweet_id"])
    assert await eve.retweet(tweet_id) != first
    await bob.delete(first)
    second = await bob.retweet(tweet_id)
    assert second != first
    assert await bob.retweet(tweet_id) == second


async def test_deleting_again_changes_nothing(stack: LiveStack, people: tuple[Person, ...]) -> None:
    ada, bob, _ = people
    tweet_id = await ada.post("x")
    await bob.follow(ada)
    answers = await asyncio.gather(*(ada.call("DELETE", f"/v1/tweets/{tweet_id}") for _ in range(10)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(204, b"")}
    assert all("content-type" not in answer.headers for answer in answers)
    await ada.delete(tweet_id)
    deletions = [event for event in await told(stack, TWEETS) if event == TweetDeleted(tweet_id, ada.user_id)]
    assert len(deletions) == 1
    for person in (ada, bob):
        assert tweet_id not in await person.feed_ids()


@pytest.mark.parametrize("original_first", [False, True])
async def test_the_end_of_an_edge_is_told_of_above_its_beginning(
    original_first: bool, stack: LiveStack, people: tuple[Person, ...]
) -> None:
    ada, bob, _ = people
    tweet_id = await ada.post("x")
    reply, retweet = await bob.reply(tweet_id), await bob.retweet(tweet_id)
    if original_first:
        # Whose tweet it was is told all the same.
        await ada.delete(tweet_id)
    for one in (reply, retweet):
        await bob.delete(one)
    events = await told(stack, EDGES)
    for on, off in (
        (_reply(reply, tweet_id, bob, ada, on=True), _reply(reply, tweet_id, bob, ada, on=False)),
        (_retweet(retweet, tweet_id, bob, ada, on=True), _retweet(retweet, tweet_id, bob, ada, on=False)),
    ):
        assert events[on] in (reply, retweet)
        assert events[off] > events[on]


async def test_a_reply_outlives_what_it_answered(people: tuple[Person, ...]) -> None:
    ada, bob, _ = people
    tweet_id = await ada.post("x")
    reply = await bob.reply(tweet_id)
    await ada.delete(tweet_id)
    shown = await bob.call("GET", f"/v1/tweets/{reply}")
    assert (shown.status_code, shown.json()["reply_to_tweet_id"]) == (200, str(tweet_id))


async def test_what_is_acted_on_while_it_is_deleted_is_written_or_refused(
    people: tuple[Person, ...],
) -> None:
    ada, bob, eve = people
    for _ in range(5):
        tweet_id = await ada.post("x")
        deleted, liked, replied, retweeted = await asyncio.gather(
            ada.call("DELETE", f"/v1/tweets/{tweet_id}"),
            bob.call("POST", f"/v1/tweets/{tweet_id}/like"),
            bob.call("POST", "/v1/tweets", json={"text": "y", "reply_to_tweet_id": str(tweet_id)}),
            eve.call("POST", "/v1/tweets", json={"retweet_of": str(tweet_id)}),
        )
        assert deleted.status_code == 204
        assert (liked.status_code, replied.status_code, retweeted.status_code) in {
            (a, b, c) for a in (200, 410) for b in (201, 410) for c in (201, 410)
        }
        assert (await bob.call("POST", f"/v1/tweets/{tweet_id}/like")).status_code == 410


def _reply(reply: int, to: int, user: Person, author: Person, *, on: bool) -> ReplySet:
    return ReplySet(reply, to, on, user.user_id, author.user_id)


def _retweet(retweet: int, of: int, user: Person, author: Person, *, on: bool) -> RetweetSet:
    return RetweetSet(user.user_id, of, on, retweet, author.user_id)
