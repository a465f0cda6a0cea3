"""What a feed of 20 costs the API process, by part and by stage: written to docs/performance.md.

`make feed-parts`. The parts are shares of the main thread's samples, times its CPU time of a feed in the
same run; what other threads use is a part of its own. Stages are told by the feed's own Server-Timing.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from bench import sampled_api
from bench.bars import feed, http_load, ranked_feed, ranked_world, readers
from bench.bars.bar import ROOT, commit, machine
from bench.bars.cpu import cpu_s, main_thread_s
from bench.bars.stacks import run
from tests.e2e.live_stack import LiveStack, live_stack
from tests.e2e.waiting import eventually

PAGE = ROOT / "docs" / "performance.md"
RUN_S = 20.0
ONE_BY_ONE = 400
"""Requests whose stages are told, each sent when the one before was answered."""

PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("bounds on waits: stages, the store, Redis", ("asyncio/timeouts.py", "core/deadline.py")),
    ("log line", ("/structlog/", "wiring/process.py")),
    ("metrics, Server-Timing", ("/prometheus_client/", "core/timings.py", "feed_api/request_scope.py")),
    ("Redis: commands, sockets, answers", ("stores/redis_",)),
    ("the timeline: list, followees, hidden", ("/timelines/",)),
    ("features: keys, rows, the model's inputs", ("/features/",)),
    ("slate", ("stores/slates.py",)),
    ("tweets, counts and profiles from their caches", ("stores/", "core/packing.py")),
    ("candidates, filters, one a root, the page", ("/ranking/",)),
    ("the served record", ("/eventlog/",)),
    ("tag of the page", ("feed_api/conditions.py",)),
    ("tracking tokens, cursor", ("feed_api/signatures.py",)),
    ("JSON", ("feed_api/rendering.py", "feed_api/short_numbers.py")),
    ("the route: token, rate, query, last page", ("/feed_api/",)),
    ("HTTP: uvicorn, starlette, what is left of FastAPI", ("/uvicorn/", "/starlette/", "/fastapi/")),
)
"""A sample belongs to the part of its innermost file that is in one; the first that fits."""
REST = "the loop, and what runs beside"
OTHER_THREADS = "other threads: the model, SQLite"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of feed, and the world that has it: `build` returns a request for every viewer."""

    title: str
    environment: Mapping[str, str]
    clients: int
    build: Callable[[LiveStack], Awaitable[Sequence[bytes]]]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one feed: CPU microseconds by part, how many ticks that is from, and milliseconds by stage."""

    parts_us: Mapping[str, float]
    ticks: int
    stages_ms: Mapping[str, Sequence[float]]


async def _chronological(stack: LiveStack) -> Sequence[bytes]:
    async with readers.stores_of(stack) as stores:
        await readers.write(stores, feed.CROWD)
    requests = [http_load.get(feed.PATH, stack.token(viewer)) for viewer in feed.CROWD.viewer_ids]
    await feed.warm(stack, requests)
    return requests


async def _ranked(stack: LiveStack) -> Sequence[bytes]:
    return await ranked_world.build(stack, "1")


KINDS = (
    Kind("A chronological feed of 20 from a timeline of 800", feed.LIMITS, feed.CLIENTS, _chronological),
    *(
        Kind(
            f"A ranked feed of 20, first page, {candidates} candidates, 5 heads of 150 trees of 31 leaves",
            {**ranked_world.LIMITS, "RANKFEED_RANKING_CANDIDATES": str(candidates)},
            ranked_feed.CLIENTS,
            _ranked,
        )
        for candidates in ranked_feed.BARS
    ),
)


def main() -> None:
    sections = []
    for kind in KINDS:
        with tempfile.TemporaryDirectory(prefix="rankfeed-bench-") as directory:
            samples = Path(directory) / "samples.json"
            environment = {**kind.environment, sampled_api.FILE: str(samples)}
            command = (sys.executable, "-m", "bench.sampled_api", "up")
            with live_stack(Path(directory) / "home", command=command, environment=environment) as stack:
                sections.append(_section(kind, run(partial(_measure, kind, stack, samples))))
    page = _page(sections)
    PAGE.write_text(page)
    print(page)


async def _measure(kind: Kind, stack: LiveStack, samples: Path) -> Cost:
    requests = await kind.build(stack)
    stages_ms = await _stages(stack, requests)
    pid, turns = stack.pid("api"), itertools.cycle(requests)
    # Before anybody samples.
    used, of_main = cpu_s([pid]), main_thread_s(pid)
    loaded = await http_load.closed(stack.url, turns, clients=kind.clients, seconds=RUN_S)
    feeds = len(loaded.latencies_s)
    main_us = 1e6 * (main_thread_s(pid) - of_main) / feeds
    others_us = 1e6 * (cpu_s([pid]) - used) / feeds - main_us
    os.kill(pid, signal.SIGUSR1)
    await http_load.closed(stack.url, turns, clients=kind.clients, seconds=RUN_S)
    os.kill(pid, signal.SIGUSR2)

    async def written() -> bool:
        return await asyncio.to_thread(samples.exists)

    await eventually("the samples are written", written)
    found: list[tuple[list[str], float]] = json.loads(await asyncio.to_thread(samples.read_text))
    sampled_s = sum(seconds for _, seconds in found)
    parts_us = defaultdict(float, {OTHER_THREADS: others_us})
    for files, seconds in found:
        part = next((part for file in files if (part := _part(file))), REST)
        parts_us[part] += main_us * seconds / sampled_s
    return Cost(parts_us, round(sampled_s / sampled_api.TICK_S), stages_ms)


async def _stages(stack: LiveStack, requests: Sequence[bytes]) -> Mapping[str, Sequence[float]]:
    """Milliseconds by stage, and those of the whole answer as the client sees it."""
    connection = await http_load.Connection.open(stack.url)
    stages: dict[str, list[float]] = defaultdict(list)
    for request in itertools.islice(itertools.cycle(requests), ONE_BY_ONE):
        began_s = time.perf_counter()
        status, body = await connection.exchange(request)
        whole_ms = 1000 * (time.perf_counter() - began_s)
        assert status == 200, body
        told = re.search(rb"server-timing: ([^\r]*)", connection.head.lower())
        assert told is not None
        known_ms = 0.0
        for stage, ms in re.findall(r"([a-z_]+);dur=([0-9.]+)", told[1].decode()):
            if stage != "total":
                stages[stage].append(float(ms))
                known_ms += float(ms)
        stages["between stages, and HTTP"].append(whole_ms - known_ms)
        stages["**the answer**"].append(whole_ms)
    connection.close()
    return stages


def _part(file: str) -> str | None:
    return next((name for name, places in PARTS if any(place in file for place in places)), None)


def _section(kind: Kind, cost: Cost) -> str:
    whole_us = sum(cost.parts_us.values())
    parts = "\n".join(
        f"| {name} | {100 * us / whole_us:.0f} % | {us:,.0f} |"
        for name, us in sorted(cost.parts_us.items(), key=lambda one: -one[1])
    )
    stages = "\n".join(
        f"| {stage} | {len(ms) / ONE_BY_ONE:.0%} | {p50:.2f} | {p99:.2f} |"
        for stage, ms in cost.stages_ms.items()
        for p50, p99 in [np.percentile(ms, [50, 99])]
    )
    return f"""## {kind.title}

CPU time of the API process by part, from {cost.ticks:,} ms of samples:

| part | share | µs a feed |
|---|---|---|
{parts}
| **all** | | **{whole_us:,.0f}** |

By the clock, {ONE_BY_ONE} feeds one after the other:

| stage | of the feeds | p50, ms | p99, ms |
|---|---|---|---|
{stages}
"""


def _page(sections: Sequence[str]) -> str:
    when, load = datetime.now(UTC), os.getloadavg()[0]
    return f"""# Performance

Written by `make feed-parts`; how fast the whole is stands in [results.md](results.md).

Embedded stack, commit {commit()}, {when:%Y-%m-%d %H:%M} UTC, {machine()}, load {load:.1f}: the shares
travel to other machines, the microseconds do not.

{chr(10).join(sections)}"""


if __name__ == "__main__":
    main()
