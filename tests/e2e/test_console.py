"""The console of a real stack: nobody waits for it, and it goes where its stack goes."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import httpx

from ranking.processes import ProcessReport, serving_processes
from tests.e2e.live_stack import alive, live_stack
from tests.e2e.waiting import wait_until
from wiring.redis_settings import opened_redis
from wiring.settings import Settings


def test_it_is_beside_the_stack_and_ends_with_it(tmp_path: Path) -> None:
    with live_stack(tmp_path / "home", environment={"RANKFEED_CONSOLE_ENABLED": "true"}) as stack:
        url = stack.state.console_url
        assert url
        # It is ready before it says so.
        wait_until("the stack says where its console is", lambda: url in stack.words())
        page = httpx.get(url, timeout=60)
        assert page.status_code == 200
        assert "There is nobody here yet." in page.text
        assert httpx.get(f"{url}/health", timeout=60).status_code == 200
        # Who promotes a model waits for those that serve feeds, and for nobody else.
        assert [one.pid for one in asyncio.run(reports(stack.settings))] == stack.api_pids()
        console = stack.pid("console")
        os.kill(stack.process.pid, signal.SIGKILL)
        wait_until("the console is gone with its supervisor", lambda: not alive(console))


async def reports(settings: Settings) -> list[ProcessReport]:
    async with opened_redis(settings) as redis:
        return await serving_processes(redis)
