"""Timelines on a real Redis: whatever comes in between, a list holds the newest tweets, each once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import numpy as np
import pytest

from core.errors import Unavailable
from core.ids import UserId
from stores.ports import Ids
from tests.e2e.waiting import eventually
from tests.integration.redis_world import RedisWorld
from tests.unit.timelines.fake_stores import FakeGraphStore, FakeTweetStore
from timelines.healing import Healing
from timelines.layout import (
    CAPACITY,
    HEAD,
    TRIM_SLACK,
    TTL_S,
    Delivery,
    parse_timeline,
    push,
    timeline_key,
)
from timelines.merge import LOCK_MS, TimelineMerge, lock_key
from timelines.reader import TimelineReader
from timelines.relations import (
    TOKEN_S,
    Relations,
    decode_followees,
    followees_key,
    hidden_key,
    token_key,
)

VIEWER = UserId(7)
ADA, BOB = UserId(21), UserId(22)
# Beyond 2^53 neighbours are the same number to Lua.
BASE = 2**62


class Timelines:
    """Everything about one viewer, who follows Ada and Bob."""

    def __init__(self, world: RedisWorld) -> None:
        client = world.client
        self.client = client
        self.redis: Any = world.look
        self.tweets = FakeTweetStore()
        self.graph = FakeGraphStore()
        self.graph.follow(VIEWER, ADA, BOB)
        self.merge = TimelineMerge(client, self.tweets)
        self.relations = Relations(client, self.graph)
        self.reader = TimelineReader(client, self.relations, self.merge, self.graph, self.tweets)

    async def authors(self) -> Ids:
        return np.array([VIEWER, ADA, BOB], np.int64)

    async def rebuild(self) -> list[int]:
        ids: list[int] = (await self.merge.rebuild(VIEWER, self.authors)).tolist()
        return ids

    async def stored(self) -> list[bytes]:
        items: list[bytes] = await self.redis.lrange(timeline_key(VIEWER), 0, -1)
        return items

    async def push(self, *tweet_ids: int) -> int:
        return await push(self.client, [Delivery(VIEWER, tweet_id) for tweet_id in tweet_ids])

    async def follow(self, *authors: int) -> bool:
        """What fan-out does about a follow, besides the followees."""
        return await self.merge.add_authors(VIEWER, np.array(authors, np.int64))

    async def post(self, author: int, *tweet_ids: int) -> None:
        """As it happens: the store has it before it is pushed."""
        self.tweets.add(author, *tweet_ids)
        await self.push(*tweet_ids)

    async def whole(self, page: int = 50) -> list[int]:
        """The viewer's whole timeline as the feed walks it: the list, then the store below it."""
        timeline = await self.reader.read(VIEWER)
        ids: list[int] = timeline.ids.tolist()
        while True:
            older = await self.reader.older(timeline, before=ids[-1] if ids else None, limit=page)
            if not len(older):
                return ids
            ids += older.tolist()

    def truth(self) -> list[int]:
        return sorted(self.tweets.tweets, reverse=True)


@pytest.fixture
def world(both_redis: RedisWorld) -> Timelines:
    return Timelines(both_redis)


def items(ids: Sequence[int], sentinel: bytes = b"0") -> list[bytes]:
    """As a merge leaves them: in order, and a mark that says so."""
    return [b"-1", *(b"%d" % tweet_id for tweet_id in ids), sentinel]


async def test_a_cold_list_is_built_from_the_store(world: Timelines) -> None:
    world.tweets.add(ADA, *range(BASE, BASE + 20, 2))
    world.tweets.add(BOB, *range(BASE + 1, BASE + 20, 2))
    newest_first = list(range(BASE + 19, BASE - 1, -1))
    assert await world.rebuild() == newest_first
    assert await world.stored() == items(newest_first)
    assert 0 < await world.redis.ttl(timeline_key(VIEWER)) <= TTL_S
    assert not await world.redis.exists(lock_key(VIEWER))


async def test_an_empty_history_is_a_list_of_its_sentinel(world: Timelines) -> None:
    assert await world.rebuild() == []
    assert await world.stored() == [b"0"]
    assert (await world.reader.read(VIEWER)).origin == "list"


async def test_a_list_holds_the_newest_of_a_long_history(world: Timelines) -> None:
    world.tweets.add(ADA, *range(BASE, BASE + CAPACITY + 300))
    assert await world.rebuild() == list(range(BASE + CAPACITY + 299, BASE + 299, -1))
    assert await world.stored() == items(range(BASE + CAPACITY + 299, BASE + 299, -1), b"00")
    assert await world.whole() == world.truth()


async def test_what_is_pushed_during_a_rebuild_stays(world: Timelines) -> None:
    world.tweets.add(ADA, BASE, BASE + 1)

    async def push_newer() -> None:
        # After the store was read: only the push brings it.
        await world.post(BOB, BASE + 2)

    world.tweets.after_read = [push_newer]
    await world.rebuild()
    assert await world.stored() == items([BASE + 2, BASE + 1, BASE])


async def test_a_flush_during_a_rebuild_starts_it_again(world: Timelines) -> None:
    world.tweets.add(ADA, BASE)

    async def flush_and_miss() -> None:
        await world.redis.flushall()
        world.tweets.add(BOB, BASE + 1)
        # There is no list to push to: this one is lost unless the builder begins again.
        assert await world.push(BASE + 1) == 0

    world.tweets.after_read = [flush_and_miss]
    assert await world.rebuild() == [BASE + 1, BASE]
    assert await world.stored() == items([BASE + 1, BASE])


async def test_a_list_that_somebody_else_made_meanwhile_is_not_overwritten(world: Timelines) -> None:
    world.tweets.add(ADA, BASE)

    async def flush_and_rebuild() -> None:
        await world.redis.flushall()
        await world.post(BOB, BASE + 1)
        await world.rebuild()
        await world.post(BOB, BASE + 2)

    world.tweets.after_read = [flush_and_rebuild]
    await world.rebuild()
    assert await world.stored() == items([BASE + 2, BASE + 1, BASE])


async def test_a_list_that_is_always_taken_away_is_unavailable(world: Timelines) -> None:
    async def flush() -> None:
        await world.redis.flushall()

    world.tweets.add(ADA, BASE)
    world.tweets.after_read = [flush] * 3
    with pytest.raises(Unavailable):
        await world.rebuild()


async def test_where_another_one_builds_the_store_answers(world: Timelines) -> None:
    world.tweets.add(ADA, BASE)
    # A builder that died: it holds the lock, and the list is left half built.
    await world.redis.set(lock_key(VIEWER), b"dead", px=LOCK_MS)
    await world.redis.rpush(timeline_key(VIEWER), b"1")
    assert (await world.reader.read(VIEWER)).ids.tolist() == [BASE]
    assert await world.stored() == [b"1"]
    # What is pushed meanwhile is there, and served.
    await world.post(BOB, BASE + 1)
    assert (await world.reader.read(VIEWER)).ids.tolist() == [BASE + 1, BASE]
    assert 0 < await world.redis.pttl(lock_key(VIEWER)) <= LOCK_MS
    # Its lock expires; the next reader builds.
    await world.redis.delete(lock_key(VIEWER))
    assert (await world.reader.read(VIEWER)).origin == "rebuilt"
    assert await world.stored() == items([BASE + 1, BASE])
    assert (await world.reader.read(VIEWER)).origin == "list"


async def test_a_cold_read_asks_once_who_is_followed_and_keeps_it(world: Timelines) -> None:
    world.tweets.add(ADA, BASE)
    timeline = await world.reader.read(VIEWER)
    assert (timeline.origin, timeline.ids.tolist()) == ("rebuilt", [BASE])
    assert timeline.authors.tolist() == [VIEWER, ADA, BOB]
    assert world.graph.followee_reads == 1
    assert (await world.reader.read(VIEWER)).origin == "list"
    assert world.graph.followee_reads == 1


async def test_a_list_without_a_sentinel_is_merged_again(world: Timelines) -> None:
    world.tweets.add(ADA, BASE, BASE + 1)
    await world.redis.rpush(timeline_key(VIEWER), b"%d" % (BASE + 1))
    assert await world.whole() == [BASE + 1, BASE]
    assert await world.stored() == items([BASE + 1, BASE])


async def test_ids_that_differ_in_their_last_bits_stay_apart_and_in_order(world: Timelines) -> None:
    ids = [BASE + number for number in range(64)]
    shuffled = random.Random(1).sample(ids, len(ids))
    world.tweets.add(ADA, *shuffled[:20])
    await world.rebuild()
    await world.push(*shuffled[20:40])
    world.tweets.add(BOB, *shuffled[40:])
    assert await world.follow(BOB)
    assert await world.stored() == items(ids[::-1])


async def test_ids_of_unequal_length_sort_as_numbers(world: Timelines) -> None:
    world.tweets.add(ADA, 9, 10, 99, 100, BASE)
    await world.rebuild()
    assert await world.stored() == items([BASE, 100, 99, 10, 9])


async def test_nobody_is_pushed_to_who_has_no_list(world: Timelines) -> None:
    assert await world.push(BASE) == 0
    assert not await world.redis.exists(timeline_key(VIEWER))


async def test_a_trim_keeps_the_sentinel_and_the_expiry(world: Timelines) -> None:
    await world.rebuild()
    for begin in range(0, CAPACITY + TRIM_SLACK + 1, 10):
        await world.push(*range(BASE + begin, BASE + begin + 10))
    stored = await world.stored()
    assert CAPACITY < len(stored) <= CAPACITY + TRIM_SLACK + 10
    assert stored[-1] == b"00"
    assert 0 < await world.redis.ttl(timeline_key(VIEWER)) <= TTL_S
    # Half built ones are trimmed too, and stay half built.
    await world.redis.rpop(timeline_key(VIEWER))
    await world.redis.rpush(timeline_key(VIEWER), b"1")
    await world.push(*range(BASE + 2_000, BASE + 2_000 + TRIM_SLACK + 1))
    assert (await world.stored())[-1] == b"1"


async def test_a_trim_gives_up_the_oldest_whatever_came_first(world: Timelines) -> None:
    await world.rebuild()
    # A batch goes out author by author, so ids arrive in disorder.
    for begin in range(BASE, BASE + 1_800, 90):
        await world.post(ADA, *range(begin, begin + 90, 2))
        await world.post(BOB, *range(begin + 1, begin + 90, 2))
    parsed = parse_timeline(await world.stored())
    assert parsed.complete
    assert parsed.ids.tolist() == world.truth()[:CAPACITY]
    assert await world.whole() == world.truth()
    assert 0 < await world.redis.ttl(timeline_key(VIEWER)) <= TTL_S


async def test_what_is_pushed_twice_takes_nobody_elses_place(world: Timelines) -> None:
    await world.rebuild()
    for begin in range(BASE, BASE + 1_000, 50):
        await world.post(ADA, *range(begin, begin + 50))
        await world.push(*range(begin, begin + 50))
    assert await world.whole() == world.truth()


async def test_what_arrives_late_hides_nothing_between_itself_and_the_list(world: Timelines) -> None:
    world.tweets.add(ADA, *range(BASE, BASE + 2_000, 2))
    await world.rebuild()
    # Fan-out is behind, or comes by here again: older than all that the list holds.
    late = BASE + 101
    await world.post(BOB, late)
    assert await world.whole() == world.truth()
    for begin in range(BASE + 2_000, BASE + 2_200, 20):
        await world.post(ADA, *range(begin, begin + 20))
    assert await world.whole() == world.truth()


async def test_late_pushes_into_a_list_that_is_being_built_hide_nothing(world: Timelines) -> None:
    world.tweets.add(ADA, *range(BASE, BASE + 2_000, 2))
    await world.redis.rpush(timeline_key(VIEWER), b"1")
    await world.post(BOB, BASE + 11)
    assert await world.whole() == world.truth()
    assert await world.whole() == world.truth()


@pytest.mark.parametrize("seed", range(5))
async def test_any_order_of_pushes_flushes_and_follows_shows_everything_once(
    seed: int, world: Timelines
) -> None:
    randomness = random.Random(seed)
    pending: list[tuple[int, int]] = []
    following = {ADA, BOB}
    for step in range(400):
        author = randomness.choice([ADA, BOB])
        fresh = [BASE + 10 * step + number for number in range(randomness.randrange(1, 8))]
        world.tweets.add(author, *fresh)
        pending += [(author, tweet_id) for tweet_id in fresh]
        if randomness.random() < 0.3:
            randomness.shuffle(pending)
            delivered = randomness.randrange(len(pending) + 1)
            await world.push(*(one for author, one in pending[:delivered] if author in following))
            pending = pending[delivered:]
        if randomness.random() < 0.005:
            await world.redis.flushall()
        if randomness.random() < 0.05:
            who = randomness.choice([ADA, BOB])
            on = who not in following
            following ^= {who}
            world.graph.follow(VIEWER, who, ver=step + 2, on=on)
            await world.relations.invalidate(VIEWER, step + 2)
            if on:
                await world.follow(who)
        if randomness.random() < 0.2:
            await world.reader.read(VIEWER)
    await world.push(*(one for author, one in pending if author in following))
    shown = [one for one in await world.whole() if world.tweets.tweets[one].author_id in following]
    assert shown == [one for one in world.truth() if world.tweets.tweets[one].author_id in following]


async def test_an_author_is_added_to_a_list_that_is_there(world: Timelines) -> None:
    assert not await world.follow(ADA)
    assert not await world.redis.exists(timeline_key(VIEWER))
    world.tweets.add(ADA, *range(BASE, BASE + 10, 2))
    await world.rebuild()
    world.tweets.add(BOB, *range(BASE + 1, BASE + 10, 2))
    for _ in range(2):
        assert await world.follow(BOB)
        assert await world.stored() == items(range(BASE + 9, BASE - 1, -1))


async def test_an_author_added_evicts_nothing_that_is_newer(world: Timelines) -> None:
    newer = range(BASE + 10_000, BASE + 10_000 + CAPACITY - 10)
    world.tweets.add(ADA, *newer)
    await world.rebuild()
    world.tweets.add(BOB, *range(BASE, BASE + 500))
    assert await world.follow(BOB)
    parsed = parse_timeline(await world.stored())
    assert parsed.ids.tolist() == world.truth()[:CAPACITY]
    assert set(newer) <= set(parsed.ids.tolist())
    assert await world.whole() == world.truth()


async def test_an_author_added_while_the_list_is_built_leaves_it_to_be_built(world: Timelines) -> None:
    await world.redis.rpush(timeline_key(VIEWER), b"1")
    world.tweets.add(BOB, BASE)
    assert await world.follow(BOB)
    assert await world.stored() == items([BASE], b"1")


async def test_whoever_wants_the_newest_reads_the_head_of_a_list_and_the_rest_on_demand(
    world: Timelines,
) -> None:
    world.tweets.add(ADA, *range(BASE, BASE + 2 * HEAD))
    await world.rebuild()
    new = [BASE + 2 * HEAD + 1, BASE + 2 * HEAD]
    world.tweets.add(BOB, *new)
    await world.push(*new)
    timeline = await world.reader.read(VIEWER, enough=21)
    assert timeline.cut
    assert timeline.ids.tolist() == world.truth()[: HEAD - 1]
    assert (await world.reader.rest(timeline)).tolist() == world.truth()[HEAD - 1 :]
    # Where the head does not say enough, the whole is read; and again once it does.
    await world.push(BASE)
    for _ in range(2):
        timeline = await world.reader.read(VIEWER, enough=21)
        assert not timeline.cut
        assert timeline.ids.tolist() == world.truth()
        assert timeline.distinct < 1
    await world.reader.read(VIEWER, fresh=True)
    assert not (await world.reader.read(VIEWER, enough=21)).cut
    assert (await world.reader.read(VIEWER, enough=21)).cut
    await world.redis.delete(timeline_key(VIEWER))
    assert (await world.reader.rest(timeline)).tolist() == []


async def test_a_list_that_was_delivered_twice_is_merged_and_whole_again(world: Timelines) -> None:
    world.tweets.add(ADA, *range(BASE, BASE + 20))
    await world.rebuild()
    lost = BASE + 7
    await world.redis.lrem(timeline_key(VIEWER), 0, str(lost))
    await world.push(*range(BASE, BASE + 5))
    timeline = await world.reader.read(VIEWER)
    assert lost not in timeline.ids
    assert timeline.distinct == pytest.approx(19 / 24)
    healing = Healing(world.reader)
    healing.look_at(timeline)
    stop = asyncio.Event()
    running = asyncio.create_task(healing.run(stop))

    async def healed() -> bool:
        return (await world.reader.read(VIEWER)).distinct == 1.0

    await eventually("the list is merged", healed)
    stop.set()
    await running
    assert await world.stored() == items(world.truth())


async def gives_up_in_the_midst(world: Timelines, meanwhile: Callable[[], Awaitable[None]]) -> None:
    """A reader whose time is over while the store is slow."""
    asked = asyncio.Event()

    async def for_ever() -> None:
        await meanwhile()
        asked.set()
        await asyncio.Event().wait()

    world.tweets.after_read = [for_ever]
    reading = asyncio.create_task(world.reader.read(VIEWER))
    await asked.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_a_list_that_takes_longer_than_its_readers_have_is_there_in_the_end(world: Timelines) -> None:
    async def nothing() -> None:
        return None

    world.tweets.add(ADA, BASE)
    healing = Healing(world.reader)
    for _ in range(3):
        await gives_up_in_the_midst(world, nothing)
        healing.finish(VIEWER)
    assert await world.stored() == [b"1"]
    assert not await world.redis.exists(lock_key(VIEWER))
    stop = asyncio.Event()
    running = asyncio.create_task(healing.run(stop))

    async def built() -> bool:
        return await world.stored() == items([BASE])

    await eventually("the list is built", built)
    stop.set()
    await running
    assert (await world.reader.read(VIEWER)).origin == "list"


async def test_who_gives_up_takes_nobody_elses_lock(world: Timelines) -> None:
    async def taken_by_another() -> None:
        await world.redis.set(lock_key(VIEWER), b"another's", px=LOCK_MS)

    await gives_up_in_the_midst(world, taken_by_another)
    assert await world.redis.get(lock_key(VIEWER)) == b"another's"


# -- followees, and who is hidden ----------------------------------------------------------------------


async def test_followees_are_kept_until_they_change(world: Timelines) -> None:
    first = await world.reader.read(VIEWER)
    assert first.authors.tolist() == [VIEWER, ADA, BOB]
    world.graph.away = True
    assert (await world.reader.read(VIEWER)).authors.tolist() == [VIEWER, ADA, BOB]
    world.graph.away = False
    world.graph.follow(VIEWER, BOB, on=False, ver=2)
    await world.relations.invalidate(VIEWER, 2)
    assert (await world.reader.read(VIEWER)).authors.tolist() == [VIEWER, ADA]


async def test_who_is_hidden_is_kept_until_it_changes(world: Timelines) -> None:
    world.graph.block(BOB, VIEWER)
    world.graph.mute(VIEWER, ADA)
    for away in (False, True):
        world.graph.away = away
        timeline = await world.reader.read(VIEWER)
        assert (timeline.blocked.tolist(), timeline.muted.tolist()) == ([BOB], [ADA])
        assert (await world.relations.hidden(VIEWER)).blocked.tolist() == [BOB]
    world.graph.away = False
    world.graph.block(VIEWER, ADA, ver=2)
    world.graph.mute(VIEWER, ADA, on=False, ver=2)
    await world.relations.invalidate_hidden(VIEWER, 2)
    timeline = await world.reader.read(VIEWER)
    assert (timeline.blocked.tolist(), timeline.muted.tolist()) == ([ADA, BOB], [])
    assert timeline.origin == "list"


async def test_whoever_is_hidden_from_a_viewer_was_never_asked_about_without_the_store(
    world: Timelines,
) -> None:
    """Nothing is shown of which that is not known."""
    await world.reader.read(VIEWER)
    await world.redis.delete(hidden_key(VIEWER))
    world.graph.away = True
    with pytest.raises(Unavailable):
        await world.reader.read(VIEWER)
    with pytest.raises(Unavailable):
        await world.relations.hidden(VIEWER)


async def _change(world: Timelines, ver: int, *, back: bool = False) -> None:
    """The viewer unfollows and blocks Bob, and mutes Ada; or the other way round."""
    world.graph.follow(VIEWER, BOB, on=back, ver=ver)
    world.graph.block(VIEWER, BOB, on=not back, ver=ver)
    world.graph.mute(VIEWER, ADA, on=not back, ver=ver)
    await world.relations.invalidate(VIEWER, ver)
    await world.relations.invalidate_hidden(VIEWER, ver)


async def _told(world: Timelines) -> tuple[list[int], list[int], list[int]]:
    """What a reader is told, by the cache where it says something."""
    raw = await world.redis.get(followees_key(VIEWER))
    followees, hidden = decode_followees(raw), await world.relations.hidden(VIEWER)
    if followees is None:
        followees = await world.relations.load(VIEWER)
    return followees.ids.tolist(), hidden.blocked.tolist(), hidden.muted.tolist()


# A higher one was read before: ids are minted before the store is written.
@pytest.mark.parametrize("ver", [2**62 - 1, 2**62 + 1])
@pytest.mark.parametrize("flushed", [False, True])
async def test_a_late_reader_does_not_bring_back_what_was_before(
    world: Timelines, ver: int, flushed: bool
) -> None:
    after = [ADA], [BOB], [ADA]

    async def change() -> None:
        await _change(world, ver)
        if flushed:
            await world.redis.flushall()
        # Others read meanwhile, and what they read is right.
        assert await _told(world) == after

    world.graph.follow(VIEWER, ADA, ver=2**62)
    world.graph.block(VIEWER, 99, on=False, ver=2**62)
    loads: list[Callable[[], Awaitable[object]]] = [
        lambda: world.relations.load(VIEWER),
        lambda: world.relations.load_hidden(VIEWER),
    ]
    for load in loads:
        await _change(world, 2**62, back=True)
        world.graph.after_read = [change]
        await load()
        assert await _told(world) == after


async def test_a_change_while_nobody_else_reads_leaves_nothing_behind(world: Timelines) -> None:
    async def change() -> None:
        await _change(world, 2)

    world.graph.after_read = [change]
    await world.relations.load(VIEWER)
    world.graph.after_read = [change]
    await world.relations.load_hidden(VIEWER)
    assert not await world.redis.exists(followees_key(VIEWER))
    assert not await world.redis.exists(hidden_key(VIEWER))


async def test_followees_of_before_the_last_change_will_do_where_the_store_is_away(world: Timelines) -> None:
    await world.reader.read(VIEWER)
    kept_s = await world.redis.ttl(followees_key(VIEWER))
    world.graph.follow(VIEWER, BOB, on=False, ver=2)
    for _ in range(2):
        await world.relations.invalidate(VIEWER, 2)
    assert 0 < await world.redis.ttl(followees_key(VIEWER)) <= kept_s
    world.graph.away = True
    timeline = await world.reader.read(VIEWER, patience_s=5)
    assert (timeline.origin, timeline.outdated) == ("list", True)
    assert timeline.authors.tolist() == [VIEWER, ADA, BOB]
    # Whoever has to know is told that it is not known.
    with pytest.raises(Unavailable):
        await world.reader.read(VIEWER)
    world.graph.away = False
    timeline = await world.reader.read(VIEWER, patience_s=5)
    assert (timeline.authors.tolist(), timeline.outdated) == ([VIEWER, ADA], False)


async def test_followees_of_before_the_last_change_will_do_where_the_store_does_not_answer(
    world: Timelines,
) -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    await world.reader.read(VIEWER)
    world.graph.follow(VIEWER, BOB, on=False, ver=2)
    await world.relations.invalidate(VIEWER, 2)
    world.graph.after_read = [hang]
    timeline = await world.reader.read(VIEWER, patience_s=0.01)
    assert (timeline.authors.tolist(), timeline.outdated) == ([VIEWER, ADA, BOB], True)


async def test_who_is_hidden_since_a_change_is_not_taken_from_before_it(world: Timelines) -> None:
    """A block that was answered holds, whoever is away."""
    await world.reader.read(VIEWER)
    await _change(world, 2)
    world.graph.away = True
    with pytest.raises(Unavailable):
        await world.reader.read(VIEWER, patience_s=5)


async def test_several_readers_at_once_fill_alike(world: Timelines) -> None:
    await asyncio.gather(*(world.relations.load(VIEWER) for _ in range(5)))
    assert await world.redis.exists(followees_key(VIEWER))
    assert 0 < await world.redis.ttl(token_key(followees_key(VIEWER))) <= TOKEN_S


async def test_an_unknown_version_is_a_miss(world: Timelines) -> None:
    world.graph.block(VIEWER, 99)
    await world.redis.set(followees_key(VIEWER), b"\x02" + bytes(16))
    await world.redis.set(hidden_key(VIEWER), b"\x02" + bytes(20))
    timeline = await world.reader.read(VIEWER)
    assert timeline.authors.tolist() == [VIEWER, ADA, BOB]
    assert timeline.blocked.tolist() == [99]


async def test_what_is_nothing_of_ours_goes(world: Timelines) -> None:
    await world.rebuild()
    for key in (timeline_key(VIEWER), followees_key(VIEWER), hidden_key(VIEWER)):
        await world.redis.delete(key)
        await world.redis.sadd(key, b"x")
        assert (await world.reader.read(VIEWER)).origin == "store"
        assert (await world.reader.read(VIEWER)).origin == "rebuilt"
