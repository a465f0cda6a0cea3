"""Post to feed: from the 201 to the first feed of a follower, asked every 10 ms, that shows the tweet."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

import httpx
import numpy as np

from bench.bars.bar import Result
from core.clock import SystemClock
from simulation.town import Town
from simulation.world import World, WorldOptions
from wiring.home import Home, StackState
from wiring.keys import stack_keys
from wiring.running_stack import running_stack
from wiring.settings import PREFIX

P99_MS = 1_000.0
PROBES = 400
SEED = 1


def measure(arguments: list[str]) -> Result:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
    # A few simulated people do what thousands would.
    environment |= {f"{PREFIX}LIMITS_POST": "off", f"{PREFIX}LIMITS_READ": "off"}
    with tempfile.TemporaryDirectory(prefix="rankfeed-bar-") as directory:
        home = Home(Path(directory))
        with running_stack(home, environment, print) as state:
            waits_ms = 1000 * np.array(asyncio.run(_probe(home, state)))
    p50, p99 = np.percentile(waits_ms, [50, 99])
    return Result(
        f"post to feed, {PROBES} posts beside posting and reading",
        f"p50 {p50:.0f} ms, p99 {p99:.0f} ms",
        f"p99 ≤ {P99_MS:.0f} ms",
        bool(p99 <= P99_MS),
        seed=str(SEED),
    )


async def _probe(home: Home, state: StackState) -> list[float]:
    clock, keys = SystemClock(), stack_keys(home)

    def token_of(user_id: int) -> str:
        return keys.token(
            user_id=user_id,
            scopes=("feed", "write"),
            audience="rankfeed",
            issued_s=clock.now_ms() // 1000,
            ttl_s=3600,
        )

    world = World(WorldOptions(viewers=60, authors=20, follows=10, seed=SEED))
    async with httpx.AsyncClient(base_url=state.api_url, timeout=30) as http:
        town = Town(world, http, token_of, clock, 1_000_001)
        await town.sign_up()
        done = asyncio.Event()

        async def traffic() -> None:
            while not done.is_set():
                await town.post_round(1)
                await town.read_round(algorithm="chronological", pages=1)

        beside = asyncio.create_task(traffic())
        waits = [await town.time_to_feed(probe % 60) for probe in range(PROBES)]
        done.set()
        await beside
        return waits
