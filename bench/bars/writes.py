"""Writes a second and core: posts with idempotency keys, by work over CPU seconds of each process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from bench.bars.bar import Result
from bench.bars.cpu import GOAL_PER_S, NODE_CORES, PerCore, cpu_s
from bench.bars.stacks import distributed_stack, embedded_stack, run
from tests.e2e.live_stack import ROLES, LiveStack
from tests.e2e.outage_load import LoadSize, OutageLoad, load_client
from wiring.servers.local import NAMES, LocalServers

RUNS = 3
RUN_S = 10.0
WARM_S = 3.0
SIZE = LoadSize(authors=10, viewers=10, togglers=0, writers=50, readers=0)
FIRST_ID = 1_000_001
COPIES = 3
"""Of each row and record in production; measured is one."""

Pids = Mapping[str, list[int]]


def measure(arguments: list[str]) -> Result:
    """Both stacks, one after the other; each author has ten followers who are active."""
    with embedded_stack() as stack:
        embedded, embedded_rates = run(lambda: _measure(stack, {role: [stack.pid(role)] for role in ROLES}))
    with distributed_stack() as whole:
        pids = {role: [whole.stack.pid(role)] for role in ROLES} | _of_servers(whole.servers)
        spread, rates = run(lambda: _measure(whole.stack, pids))
    api, cassandra, kafka = (
        next(one for one in spread if one.name == name) for name in ("api", "cassandra", "kafka")
    )
    return Result(
        f"writes a second and core, {SIZE.writers} clients, ten followers each; medians of {RUNS} runs",
        f"embedded: {_told(embedded)}; {embedded_rates} a second in all. distributed, one node of each: "
        f"{_told(spread)}; {rates} a second in all",
        f"told: {GOAL_PER_S:,} writes/s need {api.nodes()} nodes of {NODE_CORES} cores at half load for the "
        f"API, {cassandra.nodes(COPIES)} for Cassandra and {kafka.nodes(COPIES)} for Kafka with {COPIES} "
        "copies; the embedded stack is one machine",
        True,
    )


def _of_servers(servers: LocalServers) -> dict[str, list[int]]:
    return {name: [node.pid for node in servers.cluster(name).running()] for name in NAMES}


async def _measure(stack: LiveStack, pids: Pids) -> tuple[list[PerCore], str]:
    """Per process, and writes a second by the clock: the load generator shares the machine."""
    runs: list[dict[str, float]] = []
    rates: list[float] = []
    async with load_client(stack.url) as http:
        load = OutageLoad(http, stack.token, SIZE, FIRST_ID)
        await load.prepare()
        async with load.running():
            await asyncio.sleep(WARM_S)
            for _ in range(RUNS):
                used, posted, began_s = _used(pids), len(load.posts), time.monotonic()
                await asyncio.sleep(RUN_S)
                writes = len(load.posts) - posted
                runs.append({name: writes / (now - used[name]) for name, now in _used(pids).items()})
                rates.append(writes / (time.monotonic() - began_s))
        assert not load.odd, load.odd[:5]
    figures = [PerCore(name, tuple(one[name] for one in runs)) for name in pids]
    return figures, f"{sorted(rates)[RUNS // 2]:,.0f} ({min(rates):,.0f} to {max(rates):,.0f})"


def _used(pids: Pids) -> dict[str, float]:
    return {name: cpu_s(of) for name, of in pids.items()}


def _told(figures: list[PerCore]) -> str:
    return ", ".join(map(str, figures))
