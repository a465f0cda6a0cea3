"""Kafka away, and Cassandra away, under the load of a whole stack: SIGSTOP, so that the return is exact."""

from __future__ import annotations

import asyncio
import time

from bench.bars.bar import Result
from bench.bars.stacks import distributed_stack, run
from tests.e2e.backstage import open_backstage
from tests.e2e.outage_audit import audit
from tests.e2e.outage_load import LoadSize, OutageLoad, load_client, span_s, told
from tests.e2e.server_outage import kafka_is_back, stopped
from tests.e2e.whole_stack import WholeStack

KAFKA_AWAY_S = 60.0
CASSANDRA_AWAY_S = 30.0
DELIVERED_S = 10.0
UNDER_WAY = 50
FIRST_ID = 1_000_001
BEFORE_S = 5.0
AFTER_S = 5.0
PACE_S = 0.5
"""Of each client once the fault has hit at full load: what is written meanwhile has to be delivered."""


def kafka(arguments: list[str]) -> Result:
    away_s = float(arguments[0]) if arguments else KAFKA_AWAY_S
    with distributed_stack() as whole:
        return run(lambda: _kafka(whole, away_s))


def cassandra(arguments: list[str]) -> Result:
    away_s = float(arguments[0]) if arguments else CASSANDRA_AWAY_S
    with distributed_stack() as whole:
        return run(lambda: _cassandra(whole, away_s))


async def _kafka(whole: WholeStack, away_s: float) -> Result:
    stack = whole.stack
    async with load_client(stack.url) as http, open_backstage(stack.settings) as backstage:
        load = OutageLoad(http, stack.token, LoadSize(), FIRST_ID)
        await load.prepare()
        async with load.running():
            under_way, began_s = await _take_away(whole, "kafka", load, away_s)
            # From here on the clients only end what they began: that, too, is to be delivered.
            back_s = time.monotonic()
        is_back = asyncio.create_task(kafka_is_back(stack.settings))
        delivered_s = await backstage.delivered()
        ready_s = await is_back
        posts = load.statuses("post", began_s, back_s)
        follows = load.statuses("follow", began_s, back_s)
        feeds = load.statuses("feed", began_s, back_s)
        found = await audit(load, backstage)
    _tell(load)
    only_acknowledged = set(posts) == {201} and set(follows) == {200}
    return Result(
        f"Kafka away for {away_s:.0f} s under writes ({under_way} requests under way when it hit)",
        f"posts {told(posts)}, follows {told(follows)}, feeds {told(feeds)}; "
        f"serving again {ready_s - back_s:.1f} s after SIGCONT, all delivered {delivered_s - ready_s:.1f} s "
        f"later; {found}",
        f"all acknowledged, delivered ≤ {DELIVERED_S:.0f} s after its return, 0 lost, 0 doubled, "
        "state of the highest version",
        only_acknowledged and delivered_s - ready_s <= DELIVERED_S and found.clean and under_way >= UNDER_WAY,
    )


async def _cassandra(whole: WholeStack, away_s: float) -> Result:
    stack = whole.stack
    async with load_client(stack.url) as http, open_backstage(stack.settings) as backstage:
        load = OutageLoad(http, stack.token, LoadSize(), FIRST_ID)
        await load.prepare()
        async with load.running():
            under_way, began_s = await _take_away(whole, "cassandra", load, away_s)
            back_s = time.monotonic()
            await asyncio.sleep(AFTER_S)
        writes = load.of("post", began_s, back_s) + load.of("follow", began_s, back_s)
        feeds = load.statuses("feed", began_s, back_s)
        first_s = min(one.ended_s for one in load.of("post", back_s) if one.status == 201) - back_s
        await backstage.delivered()
        found = await audit(load, backstage)
    _tell(load)
    refused = sum(one.status == 503 for one in writes)
    return Result(
        f"Cassandra away for {away_s:.0f} s ({under_way} requests under way when it hit)",
        f"writes {refused} of 503, the longest after {span_s(writes):.1f} s; feeds {told(feeds)}, "
        f"the longest {span_s(load.of('feed', began_s, back_s)):.1f} s; "
        f"first 201 {first_s:.1f} s after its return; {found}",
        "writes 503 with Retry-After, feeds 200 from caches, recovery without help, 0 lost, 0 doubled",
        not load.odd and refused > 0 and set(feeds) == {200} and found.clean and under_way >= UNDER_WAY,
    )


async def _take_away(whole: WholeStack, name: str, load: OutageLoad, away_s: float) -> tuple[int, float]:
    """Stops a server under full load and lets it go on; requests under way then, and when it was."""
    await asyncio.sleep(BEFORE_S)
    under_way, began_s = load.under_way, time.monotonic()
    with stopped(whole.servers.cluster(name)):
        await asyncio.sleep(1)
        load.pace_s = PACE_S
        await asyncio.sleep(away_s - 1)
    return under_way, began_s


def _tell(load: OutageLoad) -> None:
    for line in load.odd[:20]:
        print(f"odd: {line}")
