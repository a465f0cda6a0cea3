"""One of three killed under load and started again: Kafka brokers, Cassandra nodes, Redis primaries."""

from __future__ import annotations

import asyncio
import time
from typing import get_args

from bench.bars.bar import Result
from bench.bars.stacks import distributed_stack, run
from tests.e2e.backstage import open_backstage
from tests.e2e.outage_audit import audit
from tests.e2e.outage_load import Kind, LoadSize, OutageLoad, load_client, told
from tests.e2e.whole_stack import WholeStack
from wiring.servers.local import NAMES

BEFORE_S = 3.0
FULL_S = 2.0
PACE_S = 0.5
"""Of each client but just before a kill: thirteen servers and the stack share the machine."""
DEAD_S = 10.0
AFTER_S = 5.0
UNDER_WAY = 50
FIRST_ID = 1_000_001
SIZE = LoadSize()


def measure(arguments: list[str]) -> Result:
    """`ARGS=2` kills the second node of each."""
    node = int(arguments[0]) if arguments else 1
    with distributed_stack(nodes=3) as whole:
        return run(lambda: _measure(whole, node))


async def _measure(whole: WholeStack, node: int) -> Result:
    stack = whole.stack
    gaps: list[str] = []
    least_under_way = SIZE.writers + SIZE.readers
    async with load_client(stack.url) as http, open_backstage(stack.settings) as backstage:
        load = OutageLoad(http, stack.token, SIZE, FIRST_ID)
        await load.prepare()
        async with load.running():
            for name in NAMES:
                load.pace_s = PACE_S
                await asyncio.sleep(BEFORE_S)
                load.pace_s = 0.0
                await asyncio.sleep(FULL_S)
                began_s = time.monotonic()
                least_under_way = min(least_under_way, load.under_way)
                await whole.kill_node(name, node)
                load.pace_s = PACE_S
                await asyncio.sleep(DEAD_S)
                await whole.start_node(name, node)
                await asyncio.sleep(AFTER_S)
                end_s = time.monotonic()
                of_kinds = ", ".join(
                    f"{kind} {load.longest_gap_s(kind, began_s, end_s):.1f} s" for kind in get_args(Kind)
                )
                refused = load.statuses("feed", began_s, end_s)[503]
                gaps.append(f"{name}: {of_kinds}, {refused} feeds refused")
                print(gaps[-1], flush=True)
        await backstage.delivered()
        found = await audit(load, backstage)
    for line in load.odd[:20]:
        print(f"odd: {line}")
    feeds = load.statuses("feed") + load.statuses("toggler_feed")
    return Result(
        f"node {node} of three killed under load ({least_under_way} requests under way at least), restarted",
        f"{found}; feeds {told(feeds)}, posts {told(load.statuses('post'))}; longest gaps {'; '.join(gaps)}",
        "0 lost, 0 doubled, every feed request answered; gaps told",
        found.clean and set(feeds) == {200} and not load.odd and least_under_way >= UNDER_WAY,
    )
