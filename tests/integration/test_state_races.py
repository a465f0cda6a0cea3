"""A deleted tweet is never shown again, and counts come true: in every order that Hypothesis finds.

What is shown while Redis has just been flushed or taken back may be wrong until the consumer's repeats.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.interleaving import Held
from tests.integration.state_races import Races, races

STEPS = 30
EXAMPLES = 150

SHARDS = ((0,), (1,), (0, 1))
TIMES_MS = (900, 5_000, 61_000)


async def play(scene: Races, data: st.DataObject, acts: tuple[str, ...]) -> None:
    for _ in range(STEPS):
        act = data.draw(st.sampled_from([act for act in acts if is_possible(scene, act)]), "act")
        match act:
            case "go on":
                await go_on(scene, data, data.draw(st.sampled_from(scene.stage.held), "call"))
            case "fail":
                await scene.let_go(data.draw(st.sampled_from(scene.stage.held), "call"), failed=True)
            case "time":
                if await scene.pass_time(data.draw(st.sampled_from(TIMES_MS), "ms")):
                    await go_on(scene, data, often="end")
            case "flush":
                await scene.flush()
            case "failover":
                back = data.draw(st.integers(0, 20), "back")
                await scene.fail_over(back, data.draw(st.sampled_from(SHARDS), "shards"))
            case "expire":
                await scene.expire(data.draw(st.integers(0, 1), "key"))
            case "look":
                scene.look(data.draw(st.integers(0, 1), "process"))
                await go_on(scene, data)
            case "post" | "delete" | "consume" | "like":
                scene.begin(getattr(scene, act))
                await go_on(scene, data, often="end")
        await scene.stage.settle()
        await scene.note()
        scene.check()


async def go_on(scene: Races, data: st.DataObject, held: Held | None = None, *, often: str = "read") -> None:
    """One step, or none for who has just begun; to where all is read, or Redis written; or to the end."""
    await scene.stage.settle()
    actor = scene.newest if held is None else held.actor
    match data.draw(st.sampled_from(("step", "read", "write", "end", often)), "how far"):
        case "step" if held is not None:
            await scene.let_go(held, failed=False)
        case "read":
            await scene.stage.run(actor, has_read)
        case "write":
            await scene.stage.run(actor, would_write)
        case "end":
            await scene.stage.run(actor)


def has_read(calls: Sequence[Held]) -> bool:
    return all(held.is_made and held.name != "find" for held in calls)


def would_write(calls: Sequence[Held]) -> bool:
    return any(held.of_redis and not held.is_made for held in calls)


def is_possible(scene: Races, act: str) -> bool:
    match act:
        case "go on" | "fail":
            return bool(scene.stage.held)
        case "post":
            return not scene.is_begun_to_post
        case "delete":
            return scene.is_begun_to_post and not scene.is_begun_to_delete
        case "consume":
            return scene.is_told and not scene.is_consuming
        case _:
            return True


def run(redis_url: str, data: st.DataObject, acts: tuple[str, ...], *, posted: bool) -> None:
    async def example() -> None:
        async with races(redis_url) as scene:
            if posted:
                scene.have_posted()
            await play(scene, data, acts)
            await scene.drain()
            assert await scene.shown() == [scene.truth()] * 2

    asyncio.run(example())


# What is named more than once is done more often.
USUAL = ("go on", "go on", "look", "look", "look", "time", "expire", "fail")
DELETING = (*USUAL, "delete", "delete", "consume", "consume", "flush", "failover")
POSTING = (*USUAL, "post", "post", "delete")
LIKING = (*USUAL, "like", "like", "flush", "failover")


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_what_was_deleted_stays_deleted(redis_url: str, data: st.DataObject) -> None:
    run(redis_url, data, DELETING, posted=True)


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_what_was_posted_shows_at_once(redis_url: str, data: st.DataObject) -> None:
    run(redis_url, data, POSTING, posted=False)


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_counts_come_true(redis_url: str, data: st.DataObject) -> None:
    run(redis_url, data, LIKING, posted=True)
