"""SIGKILL at every step between a post and a feed: nothing acknowledged is lost, nothing doubled."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.faulty_stack import faulty_stack
from tests.e2e.killing import kill_everywhere
from tests.e2e.people import http_client, make_people
from tests.faults.fault import Fault, arm
from tests.faults.points import DISTRIBUTED_ONCE, EMBEDDED_ONCE

pytestmark = pytest.mark.kill


async def test_each_process_of_the_embedded_stack_is_killed_at_each_of_its_steps(tmp_path: Path) -> None:
    await kill_everywhere(tmp_path, EMBEDDED_ONCE)


async def test_each_process_of_the_distributed_stack_is_killed_at_each_of_its_steps(
    tmp_path: Path, place: dict[str, str]
) -> None:
    await kill_everywhere(tmp_path, DISTRIBUTED_ONCE, place)


async def test_a_run_in_which_the_point_is_not_hit_fails(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="was never hit"):
        await _post_once(tmp_path, Fault("api", "tweets.no_such_method", "before", 1))


async def _post_once(home: Path, fault: Fault) -> None:
    with faulty_stack(home, [fault]) as stack:
        arm(home)
        async with http_client(stack) as http:
            (ada,) = await make_people(stack, http, 1)
            await ada.post("hello")
