"""What a chronological feed of 20 costs the API process, by part: written to docs/performance.md.

`make feed-parts`. The parts are shares of samples, times the CPU time of a feed in the same run.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from bench import sampled_api
from bench.bars import feed, http_load, readers
from bench.bars.bar import ROOT, commit, machine
from bench.bars.cpu import cpu_s
from bench.bars.stacks import run
from tests.e2e.live_stack import LiveStack, live_stack
from tests.e2e.waiting import eventually

PAGE = ROOT / "docs" / "performance.md"
RUN_S = 20.0

PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("bounds on waits: stages, the store, Redis", ("asyncio/timeouts.py", "core/deadline.py")),
    ("log line", ("/structlog/", "wiring/process.py")),
    ("metrics, Server-Timing", ("/prometheus_client/", "core/timings.py", "feed_api/request_scope.py")),
    ("Redis: commands, sockets, answers", ("stores/redis_",)),
    ("the timeline: list, followees, hidden", ("/timelines/",)),
    ("tweets, counts and profiles from their caches", ("stores/", "core/packing.py")),
    ("filters, one a root, the page", ("/ranking/",)),
    ("the served record", ("/eventlog/",)),
    ("tag of the page", ("feed_api/conditions.py",)),
    ("tracking tokens, cursor", ("feed_api/signatures.py",)),
    ("JSON", ("feed_api/rendering.py", "feed_api/short_numbers.py")),
    ("the route: token, rate, query, last page", ("/feed_api/",)),
    ("HTTP: uvicorn, starlette, what is left of FastAPI", ("/uvicorn/", "/starlette/", "/fastapi/")),
)
"""A sample belongs to the part of its innermost file that is in one; the first that fits."""
REST = "the loop, and what runs beside"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="rankfeed-bench-") as directory:
        samples = Path(directory) / "samples.json"
        environment = {**feed.LIMITS, sampled_api.FILE: str(samples)}
        command = (sys.executable, "-m", "bench.sampled_api", "up")
        with live_stack(Path(directory) / "home", command=command, environment=environment) as stack:
            feed_us, found = run(lambda: _measure(stack, samples))
    page = _page(feed_us, _parts(found))
    PAGE.write_text(page)
    print(page)


async def _measure(stack: LiveStack, samples: Path) -> tuple[float, list[tuple[list[str], int]]]:
    """Microseconds a feed, before anybody samples, and the samples."""
    async with readers.stores_of(stack) as stores:
        await readers.write(stores, feed.CROWD)
    requests = [http_load.get(feed.PATH, stack.token(viewer)) for viewer in feed.CROWD.viewer_ids]
    await feed.warm(stack, requests)
    pid, turns = stack.pid("api"), itertools.cycle(requests)
    used = cpu_s([pid])
    loaded = await http_load.closed(stack.url, turns, clients=feed.CLIENTS, seconds=RUN_S)
    feed_us = 1e6 * (cpu_s([pid]) - used) / len(loaded.latencies_s)
    os.kill(pid, signal.SIGUSR1)
    await http_load.closed(stack.url, turns, clients=feed.CLIENTS, seconds=RUN_S)
    os.kill(pid, signal.SIGUSR2)

    async def written() -> bool:
        return await asyncio.to_thread(samples.exists)

    await eventually("the samples are written", written)
    return feed_us, json.loads(await asyncio.to_thread(samples.read_text))


def _parts(found: list[tuple[list[str], int]]) -> Counter[str]:
    parts: Counter[str] = Counter()
    for files, count in found:
        parts[next((part for file in files if (part := _part(file))), REST)] += count
    return parts


def _part(file: str) -> str | None:
    return next((name for name, places in PARTS if any(place in file for place in places)), None)


def _page(feed_us: float, parts: Counter[str]) -> str:
    total, when = parts.total(), datetime.now(UTC)
    rows = "\n".join(
        f"| {name} | {100 * count / total:.0f} % | {feed_us * count / total:.0f} |"
        for name, count in parts.most_common()
    )
    return f"""# Performance

Written by `make feed-parts`; how fast the whole is stands in [results.md](results.md).

A chronological feed of 20 from a timeline of 800, embedded stack: CPU time of the API process by part, from
{total:,} samples. Commit {commit()}, {when:%Y-%m-%d %H:%M} UTC, {machine()}, load
{os.getloadavg()[0]:.1f}: the shares travel to other machines, the microseconds do not.

| part | share | µs a feed |
|---|---|---|
{rows}
| **all** | | **{feed_us:.0f}** |
"""


if __name__ == "__main__":
    main()
