"""SIGKILL at every step between a post and a feed: nothing acknowledged is lost, nothing doubled."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.faulty_stack import faulty_stack, left
from tests.e2e.killing import kill_everywhere
from tests.e2e.people import http_client, make_people
from tests.e2e.waiting import wait_until
from tests.e2e.warmth import noted_as_active, preheated
from tests.faults.fault import Fault, arm
from tests.faults.points import DISTRIBUTED_ONCE, EMBEDDED_ONCE, PREHEAT, faults_of
from timelines.layout import parse_timeline, timeline_key

pytestmark = pytest.mark.kill


async def test_each_process_of_the_embedded_stack_is_killed_at_each_of_its_steps(tmp_path: Path) -> None:
    await kill_everywhere(tmp_path, EMBEDDED_ONCE)


async def test_each_process_of_the_distributed_stack_is_killed_at_each_of_its_steps(
    tmp_path: Path, place: dict[str, str]
) -> None:
    await kill_everywhere(tmp_path, DISTRIBUTED_ONCE, place)


async def test_fanout_is_killed_while_it_brings_timelines_back(tmp_path: Path) -> None:
    faults = list(faults_of("fanout", PREHEAT))
    with faulty_stack(tmp_path, faults) as stack:
        async with http_client(stack) as http:
            ada, *viewers = await make_people(stack, http, 4)
            for viewer in viewers:
                await viewer.follow(ada)
                await viewer.page()
            posted = [await ada.post(f"{number}") for number in range(3)]
            await stack.drained()
            await noted_as_active(stack, viewers)
            with stack.redis() as redis:
                # All is well before: a round that is under way now would not be the one that is hit.
                await preheated(redis)
                arm(tmp_path)
                redis.flushall()
                wait_until("every fault has happened", lambda: not left(tmp_path, faults))
                await preheated(redis)
                for viewer in viewers:
                    listed = redis.lrange(timeline_key(viewer.user_id), 0, -1)
                    assert isinstance(listed, list)
                    assert parse_timeline(listed).complete
                    assert parse_timeline(listed).ids.tolist() == posted[::-1]


async def test_a_run_in_which_the_point_is_not_hit_fails(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="was never hit"):
        await _post_once(tmp_path, Fault("api", "tweets.no_such_method", "before", 1))


async def _post_once(home: Path, fault: Fault) -> None:
    with faulty_stack(home, [fault]) as stack:
        arm(home)
        async with http_client(stack) as http:
            (ada,) = await make_people(stack, http, 1)
            await ada.post("hello")
