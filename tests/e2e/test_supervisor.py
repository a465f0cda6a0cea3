"""`rankfeed up`: children restart, stop with their stack, die with it, and no two stacks share a home."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path

import httpx
import pytest

from tests.e2e.command import rankfeed
from tests.e2e.live_stack import ROLES, LiveStack, alive, live_stack
from tests.e2e.people import Person, http_client, make_people
from tests.e2e.waiting import wait_until


def test_children_that_are_killed_are_started_again(stack: LiveStack) -> None:
    for role in ROLES:
        former = stack.kill(role)
        stack.await_restart(role, former)
        assert f"{role} ended (signal SIGKILL); see {stack.home.logs / role}.log" in stack.words()

    def answers() -> bool:
        return httpx.get(f"{stack.url}/health/ready").status_code == 200

    wait_until("the api answers again, at the same address", answers)


def test_a_process_that_native_code_ends_says_in_its_log_where_it_was(stack: LiveStack) -> None:
    former = stack.pid("pipelines")
    os.kill(former, signal.SIGSEGV)
    stack.await_restart("pipelines", former)
    log = (stack.home.logs / "pipelines.log").read_text()
    assert "Fatal Python error: Segmentation fault" in log
    assert "in run_role" in log


def test_a_second_stack_in_the_same_home_is_refused(stack: LiveStack) -> None:
    refused = rankfeed("up", home=stack.home.root)
    assert refused.code == 1
    assert f"a stack is already running in {stack.home.root}" in refused.err
    assert "RANKFEED_HOME" in refused.err
    # The first one did not notice.
    assert stack.home.state() == stack.state
    assert httpx.get(f"{stack.url}/health/ready").status_code == 200


@pytest.mark.parametrize("variable", ["RANKFEED_API_PORT", "RANKFEED_FANOUT_PORT", "RANKFEED_REDIS_PORT"])
def test_a_port_that_is_taken_is_named(variable: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = rankfeed("up", home=tmp_path, environment={variable: str(port)})
    assert refused.code == 1
    assert f"cannot listen on 127.0.0.1:{port}" in refused.err
    assert variable in refused.err
    assert "Traceback" not in refused.err


async def _speak_with_both(stack: LiveStack, other: LiveStack) -> None:
    async with http_client(stack) as here, http_client(other) as there:
        (ada,) = await make_people(stack, here, 1)
        (bob,) = await make_people(other, there, 1)
        await ada.post("here")
        await bob.post("there")
        assert [tweet["text"] for tweet in await ada.feed()] == ["here"]
        assert [tweet["text"] for tweet in await bob.feed()] == ["there"]
        # A token of the one is worth nothing to the other.
        stranger = Person(stack, there, ada.user_id)
        assert (await stranger.call("GET", "/v1/feed")).status_code == 401


def test_pipelines_stand_back_as_far_as_they_are_told(tmp_path: Path) -> None:
    with live_stack(tmp_path, environment={"RANKFEED_PIPELINES_NICE": "7"}) as stack:
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, stack.pid("pipelines")) == min(19, own + 7)
        assert os.getpriority(os.PRIO_PROCESS, stack.pid("api")) == own


def test_two_stacks_run_side_by_side_and_ctrl_c_stops_one(stack: LiveStack, tmp_path: Path) -> None:
    with live_stack(tmp_path / "other") as other:
        asyncio.run(_speak_with_both(stack, other))
        pids = other.pids()
        other.process.send_signal(signal.SIGINT)
        assert other.process.wait(30) == 0
        for pid in pids:
            wait_until(f"process {pid} is gone", lambda pid=pid: not alive(pid))  # type: ignore[misc]  # bound per turn
        assert "Traceback" not in other.words()
        assert " ended (" not in other.words()
    assert httpx.get(f"{stack.url}/health/ready").status_code == 200


async def test_a_stack_that_is_killed_takes_its_children_with_it(tmp_path: Path) -> None:
    with live_stack(tmp_path) as first:
        async with http_client(first) as http:
            (ada,) = await make_people(first, http, 1)
            posted = await ada.post("still here")
        pids = first.pids()
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait()
        for pid in pids:
            wait_until(f"process {pid} is gone", lambda pid=pid: not alive(pid))  # type: ignore[misc]  # bound per turn
    # What it left behind bars nobody, and holds what was acknowledged.
    with live_stack(tmp_path) as second:
        async with http_client(second) as http:
            assert await Person(second, http, ada.user_id).feed_ids() == [posted]
