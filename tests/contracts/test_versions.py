"""A change under a version that is not above the one that stands: not made, not told, and not hidden."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from core.ids import EPOCH_MS, SnowflakeGenerator, TweetId, UserId, compose_id
from core.types import User
from eventlog.schema import EDGES, FACT_TOPICS, GRAPH, USERS
from feed_api import versions
from stores.ports import IdempotentAnswer, OutboxRecord, Written
from tests.contracts.engines import Engine, Stack, published
from tests.fakes import FakeClock

ADA, GRACE = UserId(10), UserId(20)
NOW_MS = EPOCH_MS + 400_000_000_000
BASE = compose_id(NOW_MS, 1, 1, 0)

Change = Callable[[Stack, bool, int, IdempotentAnswer | None], Awaitable[Written]]
Stands = Callable[[Stack], Awaitable[bool]]


def told(topic: str, on: bool, ver: int) -> list[OutboxRecord]:
    return [OutboxRecord(topic, ADA, b"%d %d" % (on, ver - BASE))]


def ended(follower: UserId, followee: UserId, ver: int) -> OutboxRecord:
    return OutboxRecord(GRAPH, follower, b"ended %d" % (ver - BASE))


async def like(stack: Stack, on: bool, ver: int, answer: IdempotentAnswer | None = None) -> Written:
    return await stack.engagements.set_like(
        ADA, TweetId(BASE), on=on, ver=ver, outbox=told(EDGES, on, ver), idempotency=answer
    )


async def follow(stack: Stack, on: bool, ver: int, answer: IdempotentAnswer | None = None) -> Written:
    return await stack.graph.set_follow(
        ADA, GRACE, on=on, ver=ver, outbox=told(GRAPH, on, ver), idempotency=answer
    )


async def block(stack: Stack, on: bool, ver: int, answer: IdempotentAnswer | None = None) -> Written:
    return await stack.graph.set_block(
        ADA, GRACE, on=on, ver=ver, outbox=told(GRAPH, on, ver), ended=ended, idempotency=answer
    )


async def mute(stack: Stack, on: bool, ver: int, answer: IdempotentAnswer | None = None) -> Written:
    return await stack.graph.set_mute(
        ADA, GRACE, on=on, ver=ver, outbox=told(GRAPH, on, ver), idempotency=answer
    )


async def profile(stack: Stack, on: bool, ver: int, answer: IdempotentAnswer | None = None) -> Written:
    if not await stack.users.get_many([ADA]):
        await stack.users.create(User(ADA, "ada", "Ada", 5), [])
    return await stack.users.change(
        ADA, display_name=f"Ada {on}", ver=ver, outbox=told(USERS, on, ver), idempotency=answer
    )


async def is_liked(stack: Stack) -> bool:
    return await stack.engagements.has_liked(ADA, TweetId(BASE))


async def is_followed(stack: Stack) -> bool:
    return GRACE in (await stack.graph.followees(ADA)).ids.tolist()


async def is_blocked(stack: Stack) -> bool:
    return await stack.graph.is_blocked(ADA, GRACE)


async def is_muted(stack: Stack) -> bool:
    return GRACE in (await stack.graph.hidden(ADA)).muted.tolist()


async def is_named(stack: Stack) -> bool:
    return (await stack.users.get_many([ADA]))[ADA].display_name == "Ada True"


CHANGES: dict[str, tuple[Change, Stands]] = {
    "like": (like, is_liked),
    "follow": (follow, is_followed),
    "block": (block, is_blocked),
    "mute": (mute, is_muted),
    "profile": (profile, is_named),
}
KINDS = pytest.mark.parametrize("kind", CHANGES)


def answer(clock: FakeClock, number: int) -> IdempotentAnswer:
    return IdempotentAnswer("k", f"route {number}", b"h" * 16, b"%d" % number, clock.now_ms() + 86_400_000)


@KINDS
async def test_a_change_that_is_not_above_what_stands_learns_of_it(stack: Stack, kind: str) -> None:
    change, stands = CHANGES[kind]
    await change(stack, False, BASE + 5, None)
    assert (await change(stack, True, BASE + 7, None)).changed
    for on, ver in ((False, BASE + 7), (True, BASE + 17)):
        # Older than all, one that came in between, and one that another took at the same time.
        for behind in (BASE + 1, ver - 1, ver):
            assert await change(stack, on, behind, None) == Written(False, behind=ver)
            assert await stands(stack) == (not on)
        assert await change(stack, on, ver + 10, None) == Written(True)
        assert await stands(stack) == on
    events = [value for value in await published(stack, FACT_TOPICS) if not value.endswith(b" 5")]
    assert events == [b"1 7", b"0 17", b"1 27"]


@KINDS
async def test_what_stands_already_is_behind_nothing(stack: Stack, clock: FakeClock, kind: str) -> None:
    change, stands = CHANGES[kind]
    await change(stack, True, BASE + 7, None)
    assert await change(stack, True, BASE + 2, None) == Written(False)
    mine = answer(clock, 1)
    assert await change(stack, True, BASE + 3, mine) == Written(False)
    assert await stack.answers.first(ADA, "k", clock.now_ms()) == mine
    assert await stands(stack)
    assert await published(stack, FACT_TOPICS) == [b"1 7"]


@KINDS
async def test_a_key_does_not_stand_for_a_change_that_was_not_made(
    stack: Stack, clock: FakeClock, kind: str
) -> None:
    change, stands = CHANGES[kind]
    await change(stack, True, BASE + 7, None)
    mine = answer(clock, 1)
    assert await change(stack, False, BASE + 2, mine) == Written(False, behind=BASE + 7)
    assert await stack.answers.first(ADA, "k", clock.now_ms()) is None
    assert await change(stack, False, BASE + 8, mine) == Written(True)
    assert await stack.answers.first(ADA, "k", clock.now_ms()) == mine
    assert not await stands(stack)


@KINDS
async def test_a_key_that_was_used_before_is_answered_whatever_stands(
    stack: Stack, clock: FakeClock, kind: str
) -> None:
    change, stands = CHANGES[kind]
    await change(stack, True, BASE + 7, None)
    first = answer(clock, 1)
    assert await stack.answers.keep(ADA, first) is None
    assert await change(stack, False, BASE + 2, answer(clock, 2)) == Written(False, first)
    assert await stands(stack)


async def test_a_block_that_is_behind_ends_no_follow(stack: Stack) -> None:
    await block(stack, True, BASE + 5)
    await block(stack, False, BASE + 7)
    await follow(stack, True, BASE + 9)
    assert await block(stack, True, BASE + 6) == Written(False, behind=BASE + 7)
    assert await is_followed(stack)
    assert (await block(stack, True, BASE + 10)).changed
    assert not await is_followed(stack)


async def test_an_unfollow_under_a_lower_version_than_the_end_by_a_block(stack: Stack) -> None:
    await follow(stack, True, BASE + 9)
    await block(stack, True, BASE + 5)
    await block(stack, False, BASE + 6)
    assert await follow(stack, False, BASE + 7) == Written(False)
    assert await follow(stack, True, BASE + 8) == Written(False, behind=BASE + 10)
    assert await follow(stack, True, BASE + 11) == Written(True)


@KINDS
async def test_whoever_changes_it_last_is_obeyed_whatever_the_clocks_say(stack: Stack, kind: str) -> None:
    edge, stands = CHANGES[kind]
    mints = [
        SnowflakeGenerator(1, n, FakeClock(NOW_MS + n * 2_000), lambda: 1e18).mint for n in (1, 0, 1, 2, 0, 0)
    ]
    newest = 0
    for n, mint in enumerate(mints):
        on = n % 2 == 0

        async def write(moment: versions.Moment, on: bool = on) -> Written:
            return await edge(stack, on, moment.ver, None)

        written, moment = await versions.change(mint, write)
        assert written == Written(True)
        assert await stands(stack) == on
        assert moment.ver > newest
        newest = moment.ver
    assert len(await published(stack, FACT_TOPICS)) == len(mints)


async def test_two_names_at_once_under_one_version_are_one_change(
    stack: Stack, engine: Engine, clock: FakeClock
) -> None:
    await profile(stack, True, BASE)
    async with engine.open(clock) as other:
        for ver in range(BASE + 1, BASE + 6):
            written = await asyncio.gather(profile(stack, True, ver), profile(other, False, ver))
            assert sum(one.changed for one in written) == 1
            assert written[0].changed == await is_named(stack)
        await other.settle()
    assert len(await published(stack, FACT_TOPICS)) == 6
