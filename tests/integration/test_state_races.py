"""A deleted tweet is never shown again, and counts come true: in every order that Hypothesis finds.

What is shown while Redis has just been flushed or taken back may be wrong until the consumer's repeats.
"""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.state_races import Races, races

STEPS = 40
EXAMPLES = 150

SHARDS = ((0,), (1,), (0, 1))
TIMES_MS = (200, 900, 1_100, 4_100, 5_000, 56_000)


async def play(scene: Races, data: st.DataObject, acts: tuple[str, ...]) -> None:
    for _ in range(data.draw(st.integers(5, STEPS), "steps")):
        possible = [act for act in acts if is_possible(scene, act)]
        act = data.draw(st.sampled_from(possible), "act")
        match act:
            case "go on" | "fail":
                held = data.draw(st.sampled_from(scene.stage.held), "call")
                await scene.let_go(held, failed=act == "fail")
            case "look":
                scene.look(data.draw(st.integers(0, 1), "process"))
            case "time":
                await scene.pass_time(data.draw(st.sampled_from(TIMES_MS), "ms"))
            case "flush":
                await scene.flush()
            case "failover":
                back = data.draw(st.integers(0, 20), "back")
                await scene.fail_over(back, data.draw(st.sampled_from(SHARDS), "shards"))
            case "expire":
                await scene.expire(data.draw(st.integers(0, 1), "key"))
            case "post" | "delete" | "consume" | "like":
                scene.begin(getattr(scene, act))
        await scene.stage.settle()
        await scene.note()
        scene.check()


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
                scene.begin(scene.post)
                while scene.stage.held or not scene.is_begun_to_post:
                    await scene.stage.settle()
                    await scene.let_go(scene.stage.held[0], failed=False)
            await play(scene, data, acts)
            await scene.drain()
            assert await scene.shown() == [scene.truth()] * 2

    asyncio.run(example())


# What is named more than once is done more often.
DELETING = (
    *("go on",) * 6,
    *("look",) * 2,
    *("time",) * 2,
    *("delete", "consume", "fail", "flush", "failover", "expire"),
)


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_what_was_deleted_stays_deleted(redis_url: str, data: st.DataObject) -> None:
    run(redis_url, data, DELETING, posted=True)


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_what_was_posted_shows_at_once(redis_url: str, data: st.DataObject) -> None:
    run(
        redis_url,
        data,
        (*("go on",) * 4, *("look",) * 2, "post", "delete", "time", "expire", "fail"),
        posted=False,
    )


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_counts_come_true(redis_url: str, data: st.DataObject) -> None:
    acts = (
        *("go on",) * 6,
        *("like",) * 2,
        *("look",) * 2,
        *("time",) * 2,
        "fail",
        "flush",
        "failover",
        "expire",
    )
    run(redis_url, data, acts, posted=True)
