"""GraphStore: blocks and mutes, whom they hide, and the follows that a block ends and forbids."""

from __future__ import annotations

import asyncio
import itertools

import numpy as np
import pytest

from core.errors import Forbidden
from core.ids import MAX_ID, UserId
from eventlog.envelope import decode_envelope
from eventlog.schema import GRAPH, BlockSet, Event, FollowSet, MuteSet, decode_event, record_of
from stores.ports import FollowCounts, OutboxRecord
from tests.contracts.engines import Engine, Stack, published
from tests.fakes import FakeClock

ADA, GRACE, MARY = UserId(10), UserId(20), UserId(30)
BASE = 1_800_000_000_000_000_000


def record(event: FollowSet | BlockSet | MuteSet, ver: int) -> OutboxRecord:
    return record_of(event, id=ver, ts_ms=5, key=event.a)


def ended(follower: UserId, followee: UserId, ver: int) -> OutboxRecord:
    return record(FollowSet(follower, followee, False), ver)


async def follow(stack: Stack, a: UserId, b: UserId, ver: int, *, on: bool = True) -> bool:
    event = record(FollowSet(a, b, on), ver)
    return (await stack.graph.set_follow(a, b, on=on, ver=ver, outbox=[event])).changed


async def block(stack: Stack, a: UserId, b: UserId, ver: int, *, on: bool = True) -> bool:
    event = record(BlockSet(a, b, on), ver)
    return (await stack.graph.set_block(a, b, on=on, ver=ver, outbox=[event], ended=ended)).changed


async def mute(stack: Stack, a: UserId, b: UserId, ver: int, *, on: bool = True) -> bool:
    event = record(MuteSet(a, b, on), ver)
    return (await stack.graph.set_mute(a, b, on=on, ver=ver, outbox=[event])).changed


async def told(stack: Stack) -> dict[Event, set[int]]:
    """The versions at which each event was published."""
    events: dict[Event, set[int]] = {}
    for value in await published(stack, [GRAPH]):
        envelope = decode_envelope(value)
        event = decode_event(envelope)
        assert event is not None
        events.setdefault(event, set()).add(envelope.ver)
    return events


async def believed(stack: Stack, a: UserId, b: UserId) -> bool:
    """Whether a consumer, who goes by the highest version, thinks that `a` follows `b`."""
    events = await told(stack)
    return max(events.get(FollowSet(a, b, True), {0})) > max(events.get(FollowSet(a, b, False), {0}))


async def is_following(stack: Stack, a: UserId, b: UserId) -> bool:
    followees = b in (await stack.graph.followees(a)).ids.tolist()
    assert followees == (a in (await stack.graph.follower_page(b, after=0, limit=9)).tolist())
    return followees


async def hidden(stack: Stack, viewer: UserId) -> tuple[list[int], list[int], int]:
    found = await stack.graph.hidden(viewer)
    assert found.blocked.dtype == found.muted.dtype == np.int64
    return found.blocked.tolist(), found.muted.tolist(), found.ver


async def test_nobody_is_hidden_from_the_start(stack: Stack) -> None:
    assert await hidden(stack, ADA) == ([], [], 0)
    assert not await stack.graph.is_blocked(ADA, GRACE)


async def test_a_block_hides_both_from_each_other_and_a_mute_one_from_the_other(stack: Stack) -> None:
    assert await block(stack, ADA, MARY, 5)
    assert await block(stack, GRACE, ADA, 7)
    assert await mute(stack, ADA, UserId(MAX_ID), 6)
    assert await mute(stack, ADA, GRACE, 3)
    assert await hidden(stack, ADA) == ([GRACE, MARY], [GRACE, MAX_ID], 7)
    assert await hidden(stack, MARY) == ([ADA], [], 5)
    assert await hidden(stack, GRACE) == ([ADA], [], 7)
    for a, b in ((ADA, MARY), (MARY, ADA), (ADA, GRACE), (GRACE, ADA)):
        assert await stack.graph.is_blocked(a, b)
    assert not await stack.graph.is_blocked(GRACE, MARY)


async def test_who_block_each_other_are_hidden_until_both_have_unblocked(stack: Stack) -> None:
    await block(stack, ADA, GRACE, 1)
    await block(stack, GRACE, ADA, 2)
    assert await hidden(stack, ADA) == ([GRACE], [], 2)
    assert await block(stack, ADA, GRACE, 3, on=False)
    assert await hidden(stack, ADA) == ([GRACE], [], 3)
    assert await stack.graph.is_blocked(ADA, GRACE)
    assert await block(stack, GRACE, ADA, 4, on=False)
    assert await hidden(stack, ADA) == ([], [], 4)
    assert not await stack.graph.is_blocked(ADA, GRACE)


@pytest.mark.parametrize("set_edge", [block, mute])
@pytest.mark.parametrize(
    "order", list(itertools.permutations([(BASE + 1, True), (BASE + 2, False), (BASE + 3, True)]))
)
async def test_the_highest_version_decides_whatever_the_order(
    stack: Stack, set_edge: object, order: tuple[tuple[int, bool], ...]
) -> None:
    assert callable(set_edge)
    for ver, on in order:
        await set_edge(stack, ADA, GRACE, ver, on=on)
    found = await stack.graph.hidden(ADA)
    assert [*found.blocked.tolist(), *found.muted.tolist()] == [GRACE]
    assert found.ver == BASE + 3
    assert not await set_edge(stack, ADA, GRACE, BASE + 3, on=False)
    assert not await set_edge(stack, ADA, GRACE, BASE + 4)
    assert await set_edge(stack, ADA, GRACE, BASE + 5, on=False)


async def test_only_a_change_is_told(stack: Stack) -> None:
    assert not await mute(stack, ADA, GRACE, 1, on=False)
    assert await mute(stack, ADA, GRACE, 2)
    assert not await mute(stack, ADA, GRACE, 3)
    assert await block(stack, ADA, GRACE, 4)
    assert not await block(stack, ADA, GRACE, 5)
    assert await told(stack) == {MuteSet(ADA, GRACE, True): {2}, BlockSet(ADA, GRACE, True): {4}}


async def test_a_block_ends_follows_both_ways_and_tells_of_those_that_stood(stack: Stack) -> None:
    await follow(stack, ADA, GRACE, BASE + 10)
    await follow(stack, GRACE, ADA, BASE + 20)
    await follow(stack, MARY, ADA, BASE + 30)
    await follow(stack, ADA, MARY, BASE + 40)
    await follow(stack, ADA, MARY, BASE + 50, on=False)
    await block(stack, ADA, GRACE, BASE + 60)
    await block(stack, ADA, MARY, BASE + 70)
    for other in (GRACE, MARY):
        assert not await is_following(stack, ADA, other)
        assert not await is_following(stack, other, ADA)
    ends = {event: vers for event, vers in (await told(stack)).items() if event not in _ONS}
    assert ends == {
        BlockSet(ADA, GRACE, True): {BASE + 60},
        FollowSet(ADA, GRACE, False): {BASE + 60},
        FollowSet(GRACE, ADA, False): {BASE + 60},
        FollowSet(ADA, MARY, False): {BASE + 50},
        BlockSet(ADA, MARY, True): {BASE + 70},
        FollowSet(MARY, ADA, False): {BASE + 70},
    }
    # The fence of the caches: the version of the newest change.
    assert (await stack.graph.followees(GRACE)).ver == BASE + 60


_ONS = {FollowSet(a, b, True) for a in (ADA, GRACE, MARY) for b in (ADA, GRACE, MARY)}


async def test_a_follow_is_refused_across_a_block_and_nothing_is_written(stack: Stack) -> None:
    await block(stack, ADA, GRACE, 1)
    for a, b in ((ADA, GRACE), (GRACE, ADA)):
        with pytest.raises(Forbidden):
            await follow(stack, a, b, 9)
        assert not await is_following(stack, a, b)
        assert (await stack.graph.followees(a)).ver == 0
    await block(stack, ADA, GRACE, 10, on=False)
    for a, b in ((ADA, GRACE), (GRACE, ADA)):
        # An unblock brings nothing back, and stands in nobody's way.
        assert not await is_following(stack, a, b)
        assert await follow(stack, a, b, 11)
        assert await is_following(stack, a, b)


async def test_an_unfollow_across_a_block_is_no_fault(stack: Stack) -> None:
    await block(stack, ADA, GRACE, 1)
    assert not await follow(stack, GRACE, ADA, 2, on=False)


async def test_a_block_of_a_lower_version_ends_a_follow_that_was_there_before(stack: Stack) -> None:
    # The two were minted by machines whose clocks differ.
    await follow(stack, ADA, GRACE, BASE + 50)
    assert await block(stack, GRACE, ADA, BASE + 20)
    assert not await is_following(stack, ADA, GRACE)
    assert not await believed(stack, ADA, GRACE)
    assert (await stack.graph.followees(ADA)).ver == BASE + 51


async def test_a_block_that_was_overtaken_by_its_end_ends_no_follow(stack: Stack) -> None:
    assert not await block(stack, ADA, GRACE, BASE + 9, on=False)
    await follow(stack, ADA, GRACE, BASE + 1)
    assert not await block(stack, ADA, GRACE, BASE + 5)
    assert await is_following(stack, ADA, GRACE)


async def test_of_a_block_and_a_follow_at_once_the_block_stands(
    stack: Stack, engine: Engine, clock: FakeClock
) -> None:
    async with engine.open(clock) as other:
        for turn in range(25):
            a, b, base = UserId(1_000 + turn), UserId(2_000 + turn), BASE + 100 * turn
            # The follow's version is the higher one half of the time.
            vers = (base + 1, base + 40, base + 41) if turn % 2 else (base + 40, base + 1, base + 2)
            outcomes = await asyncio.gather(
                block(stack, a, b, vers[0]),
                follow(other, a, b, vers[1]),
                follow(stack, b, a, vers[2]),
                return_exceptions=True,
            )
            assert all(outcome is True or isinstance(outcome, Forbidden) for outcome in outcomes)
            assert await stack.graph.is_blocked(a, b)
            assert not await is_following(stack, a, b)
            assert not await is_following(stack, b, a)
        await other.settle()
    clock.advance(5_000)
    await stack.recover()
    for turn in range(25):
        a, b = UserId(1_000 + turn), UserId(2_000 + turn)
        assert not await believed(stack, a, b)
        assert not await believed(stack, b, a)


async def test_seventeen_follows_and_unfollows_in_a_row_end_as_the_last(stack: Stack) -> None:
    for turn in range(17):
        assert await follow(stack, ADA, GRACE, BASE + turn, on=turn % 2 == 0)
        assert await is_following(stack, ADA, GRACE) == (turn % 2 == 0)
    assert await believed(stack, ADA, GRACE)
    for turn in range(17):
        assert await follow(stack, ADA, UserId(1_000 + turn), BASE + 100 + turn)
    assert (await stack.graph.followees(ADA)).ids.size == 18
    assert (await stack.graph.followees(ADA)).ver == BASE + 116


async def test_follows_are_counted_both_ways_and_followers_up_to_a_bound(stack: Stack) -> None:
    assert await stack.graph.follow_counts(ADA, followers_up_to=10) == FollowCounts(0, 0)
    for number in range(40):
        await follow(stack, UserId(100 + number), ADA, number + 1)
        if number < 7:
            await follow(stack, ADA, UserId(100 + number), number + 1)
    await follow(stack, UserId(100), ADA, 99, on=False)
    await follow(stack, ADA, UserId(101), 99, on=False)
    assert await stack.graph.follow_counts(ADA, followers_up_to=100) == FollowCounts(6, 39)
    assert await stack.graph.follow_counts(ADA, followers_up_to=5) == FollowCounts(6, 5)
    assert await stack.graph.follow_counts(UserId(102), followers_up_to=5) == FollowCounts(1, 1)
