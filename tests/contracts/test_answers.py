"""Idempotency: every write of a user carries its answer, and takes place once under its key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import pytest

from core.errors import Conflict, Forbidden, NotFound
from core.ids import EPOCH_MS, TweetId, UserId, compose_id
from core.types import Tweet, User
from eventlog.schema import EDGES, FACT_TOPICS, GRAPH, TWEETS, USERS
from stores.ports import IdempotentAnswer, OutboxRecord
from tests.contracts.engines import Engine, Stack, published
from tests.fakes import FakeClock

ADA = UserId(10)
TTL_MS = 86_400_000
BASE = compose_id(EPOCH_MS + 400_000_000_000, 1, 1, 0)


class Outcome(NamedTuple):
    """The first answer, where there was one; whether the very write of this number stands."""

    first: IdempotentAnswer | None
    stands: Callable[[], Awaitable[bool]]


Write = Callable[[Stack, int, IdempotentAnswer | None], Awaitable[Outcome]]


def event(topic: str, number: int) -> list[OutboxRecord]:
    return [OutboxRecord(topic, 7, b"%d" % number)]


def ended(follower: UserId, followee: UserId, ver: int) -> OutboxRecord:
    return OutboxRecord(GRAPH, follower, b"ended")


async def tweet(stack: Stack, number: int, answer: IdempotentAnswer | None) -> Outcome:
    written = Tweet(TweetId(BASE + number), ADA, "", 5)

    async def stands() -> bool:
        return written.tweet_id in await stack.tweets.get_many([written.tweet_id])

    return Outcome((await stack.tweets.create(written, answer, event(TWEETS, number))).first, stands)


async def retweet(stack: Stack, number: int, answer: IdempotentAnswer | None) -> Outcome:
    written = Tweet(TweetId(BASE + number), ADA, "", 5, retweet_of=TweetId(number))

    async def stands() -> bool:
        return written.tweet_id in await stack.tweets.get_many([written.tweet_id])

    return Outcome((await stack.tweets.create(written, answer, event(TWEETS, number))).first, stands)


async def delete(stack: Stack, number: int, answer: IdempotentAnswer | None) -> Outcome:
    gone = Tweet(TweetId(BASE + number), ADA, "", 5)

    async def stands() -> bool:
        return gone.tweet_id in await stack.tweets.deletions([gone.tweet_id])

    written = await stack.tweets.delete(
        gone, ver=gone.tweet_id + 1, outbox=event(TWEETS, number), idempotency=answer
    )
    return Outcome(written.first, stands)


async def follow(stack: Stack, number: int, answer: IdempotentAnswer | None) -> Outcome:
    async def stands() -> bool:
        return number in (await stack.graph.followees(ADA)).ids.tolist()

    written = await stack.graph.set_follow(
        ADA, UserId(number), on=True, ver=BASE + number, outbox=event(GRAPH, number), idempotency=answer
    )
    return Outcome(written.first, stands)


async def block(stack: Stack, number: int, answer: IdempotentAnswer | None) -> Outcome:
    async def stands() -> bool:
        return await stack.graph.is_blocked(ADA, UserId(number))

    written = await stack.graph.set_block(
        ADA,
        UserId(number),
        on=True,
        ver=BASE + number,
        outbox=event(GRAPH, number),
        ended=ended,
        idempotency=answer,
    )
    return Outcome(written.first, stands)


async def mute(stack: Stack, number: int, answer: IdempotentAnswer | None) -> Outcome:
    async def stands() -> bool:
        return number in (await stack.graph.hidden(ADA)).muted.tolist()

    written = await stack.graph.set_mute(
        ADA, UserId(number), on=True, ver=BASE + number, outbox=event(GRAPH, number), idempotency=answer
    )
    return Outcome(written.first, stands)


async def like(stack: Stack, number: int, answer: IdempotentAnswer | None) -> Outcome:
    async def stands() -> bool:
        # The very same like changes nothing where it is there.
        again = await stack.engagements.set_like(ADA, TweetId(number), on=False, ver=BASE + number, outbox=[])
        later = await stack.engagements.set_like(
            ADA, TweetId(number), on=True, ver=BASE + number + 1_000_000, outbox=[]
        )
        assert not again.changed
        return not later.changed

    written = await stack.engagements.set_like(
        ADA, TweetId(number), on=True, ver=BASE + number, outbox=event(EDGES, number), idempotency=answer
    )
    return Outcome(written.first, stands)


async def user(stack: Stack, number: int, answer: IdempotentAnswer | None) -> Outcome:
    profile = User(ADA, f"ada_{number}", "Ada", 5)

    async def stands() -> bool:
        return (await stack.users.get_many([ADA])).get(ADA) == profile

    written = await stack.users.create(profile, event(USERS, number), idempotency=answer)
    return Outcome(written.first, stands)


async def profile(stack: Stack, number: int, answer: IdempotentAnswer | None) -> Outcome:
    if not await stack.users.get_many([ADA]):
        await stack.users.create(User(ADA, "ada", "Ada", 5), [])

    async def stands() -> bool:
        return (await stack.users.get_many([ADA]))[ADA].display_name == f"№ {number}"

    written = await stack.users.change(
        ADA, display_name=f"№ {number}", ver=BASE + number, outbox=event(USERS, number), idempotency=answer
    )
    return Outcome(written.first, stands)


WRITES: dict[str, Write] = {
    write.__name__: write for write in (tweet, retweet, delete, follow, block, mute, like, user, profile)
}
KINDS = pytest.mark.parametrize("kind", WRITES)


def answer(clock: FakeClock, number: int, key: str = "k") -> IdempotentAnswer:
    return IdempotentAnswer(
        key, f"route {number}", bytes([number % 256]) * 16, b"\x00 %d" % number, clock.now_ms() + TTL_MS
    )


@KINDS
async def test_a_key_used_again_is_answered_as_the_first_time(
    stack: Stack, clock: FakeClock, kind: str
) -> None:
    first = answer(clock, 1)
    made = await WRITES[kind](stack, 1, first)
    assert made.first is None
    clock.advance(TTL_MS - 1)
    repeated = await WRITES[kind](stack, 2, answer(clock, 2))
    assert repeated.first == first
    assert await stack.answers.first(ADA, "k", clock.now_ms()) == first
    assert await published(stack, FACT_TOPICS) == [b"1"]
    assert await made.stands()
    assert not await repeated.stands()


@KINDS
async def test_a_key_of_another_kind_of_write_is_answered_with_that(
    stack: Stack, clock: FakeClock, kind: str
) -> None:
    first = answer(clock, 1)
    assert await stack.answers.keep(ADA, first) is None
    repeated = await WRITES[kind](stack, 2, answer(clock, 2))
    assert repeated.first == first
    assert await published(stack, FACT_TOPICS) == []
    assert not await repeated.stands()


@KINDS
async def test_a_key_used_by_two_processes_at_once_writes_once(
    stack: Stack, engine: Engine, clock: FakeClock, kind: str
) -> None:
    if kind == "profile":
        # What the changes belong to; it takes no key.
        await stack.users.create(User(ADA, "ada", "Ada", 5), [])
    async with engine.open(clock) as other:
        outcomes = await asyncio.gather(
            *(
                WRITES[kind](other if number % 2 else stack, number, answer(clock, number))
                for number in range(1, 13)
            )
        )
        await other.settle()
        firsts = [outcome.first for outcome in outcomes]
        assert firsts.count(None) == 1
        winner = firsts.index(None) + 1
        assert {first for first in firsts if first is not None} == {answer(clock, winner)}
        clock.advance(5_000)
        await stack.recover()
        assert set(await published(stack, FACT_TOPICS)) == {b"%d" % winner}
        assert await outcomes[winner - 1].stands()


@KINDS
async def test_an_expired_key_is_free_again(stack: Stack, clock: FakeClock, kind: str) -> None:
    assert await stack.answers.keep(ADA, answer(clock, 1)) is None
    clock.advance(TTL_MS)
    assert await stack.answers.first(ADA, "k", clock.now_ms()) is None
    made = await WRITES[kind](stack, 2, answer(clock, 2))
    assert made.first is None
    assert await stack.answers.first(ADA, "k", clock.now_ms()) == answer(clock, 2)
    assert await made.stands()


@KINDS
async def test_a_write_that_changes_nothing_keeps_its_answer_all_the_same(
    stack: Stack, clock: FakeClock, kind: str
) -> None:
    if kind in ("user", "retweet"):
        # The one is refused, the other answered with what stands; their suites say so.
        return
    await WRITES[kind](stack, 1, None)
    assert (await WRITES[kind](stack, 1, answer(clock, 1))).first is None
    assert (await WRITES[kind](stack, 2, answer(clock, 2))).first == answer(clock, 1)


async def test_a_refused_write_leaves_its_key_unused(stack: Stack, clock: FakeClock) -> None:
    await stack.users.create(User(UserId(11), "grace", "Grace", 5), [])
    await block(stack, 20, None)
    mine = answer(clock, 1)
    with pytest.raises(Conflict):
        await stack.users.create(User(ADA, "GRACE", "Ada", 5), [], idempotency=mine)
    with pytest.raises(NotFound):
        await stack.users.change(ADA, display_name="A", ver=1, outbox=[], idempotency=mine)
    with pytest.raises(Forbidden):
        await follow(stack, 20, mine)
    assert await stack.answers.first(ADA, "k", clock.now_ms()) is None
    assert (await follow(stack, 21, mine)).first is None


async def test_a_profile_made_twice_under_one_key_is_made_once(stack: Stack, clock: FakeClock) -> None:
    mine = answer(clock, 1)
    assert (await user(stack, 1, mine)).first is None
    assert (await user(stack, 1, answer(clock, 2))).first == mine
    with pytest.raises(Conflict) as caught:
        await user(stack, 1, answer(clock, 3, key="other"))
    assert caught.value.field == "user_id"
    assert await stack.answers.first(ADA, "other", clock.now_ms()) is None


async def test_answers_belong_to_their_user_and_keys_are_compared_exactly(
    stack: Stack, clock: FakeClock
) -> None:
    mine = answer(clock, 1)
    assert await stack.answers.keep(ADA, mine) is None
    assert await stack.answers.keep(ADA, answer(clock, 2)) == mine
    assert await stack.answers.keep(UserId(11), answer(clock, 3)) is None
    for key in ("K", "k ", " k", "~" * 64):
        assert await stack.answers.first(ADA, key, clock.now_ms()) is None
        assert await stack.answers.keep(ADA, answer(clock, 4, key)) is None
    assert await stack.answers.first(ADA, "k", clock.now_ms()) == mine


async def test_answers_survive_a_restart(engine: Engine, clock: FakeClock) -> None:
    async with engine.open(clock) as before:
        await follow(before, 1, answer(clock, 1))
        await before.answers.keep(ADA, answer(clock, 2, "other"))
    async with engine.open(clock) as after:
        assert (await follow(after, 2, answer(clock, 9))).first == answer(clock, 1)
        assert await after.answers.first(ADA, "other", clock.now_ms()) == answer(clock, 2, "other")
