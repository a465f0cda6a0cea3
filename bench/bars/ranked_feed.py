"""Ranked feeds, first page, a second and core of one API process, and how long they take at half load."""

from __future__ import annotations

import itertools
import re
import sys
import urllib.request
from typing import NamedTuple

import numpy as np

from bench.bars import http_load, ranked_world
from bench.bars.bar import Result
from bench.bars.cpu import PerCore, cpu_s
from bench.bars.stacks import embedded_stack, run
from tests.e2e.live_stack import LiveStack

RUNS = 3
RUN_S = 8.0
CLIENTS = 2
"""One is scored while the other is read for: more would only wait for each other."""


class Bar(NamedTuple):
    per_core: float
    p50_ms: float
    p99_ms: float | None


BARS = {200: Bar(80.0, 12.0, 40.0), 500: Bar(45.0, 20.0, None)}
"""By the number of candidates."""


def measure(arguments: list[str]) -> Result:
    """`make bar-ranked`, or with 500 candidates `make bar-ranked ARGS=500`."""
    if arguments not in ([], ["200"], ["500"]):
        sys.exit("say how many candidates: make bar-ranked ARGS=200, or ARGS=500")
    candidates = int(arguments[0]) if arguments else 200
    bar = BARS[candidates]
    environment = {**ranked_world.LIMITS, "RANKFEED_RANKING_CANDIDATES": str(candidates)}
    with embedded_stack(environment) as stack:
        per_core, latencies_ms, rate, in_full = run(lambda: _measure(stack))
    p50, p99 = (float(np.median([np.percentile(one, q) for one in latencies_ms])) for q in (50, 99))
    return Result(
        f"ranked feeds of 20, first page, {candidates} candidates, 5 heads of 150 trees, one API process",
        f"{per_core} a CPU second of it; p50 {p50:.1f} ms, p99 {p99:.1f} ms at {rate:,.0f}/s; {in_full:.1%} "
        f"ranked in full; medians of {RUNS} runs",
        f"≥ {bar.per_core:.0f}/s a core, p50 ≤ {bar.p50_ms:.0f} ms"
        + (f", p99 ≤ {bar.p99_ms:.0f} ms" if bar.p99_ms else "")
        + " at half load; all ranked in full",
        per_core.median >= bar.per_core
        and p50 <= bar.p50_ms
        and (bar.p99_ms is None or p99 <= bar.p99_ms)
        and in_full >= 0.99,
        seed=str(ranked_world.CROWD.seed),
    )


async def _measure(stack: LiveStack) -> tuple[PerCore, list[list[float]], float, float]:
    requests = await ranked_world.build(stack, "1")
    pid, turns = stack.pid("api"), itertools.cycle(requests)
    # What a round of feeds reads where all of it is ranked in full.
    before = _rows_read(stack)
    await http_load.one_by_one(stack.url, requests)
    a_feed = (_rows_read(stack) - before) / len(requests)
    feeds, latencies_ms, rates, ranked = [], [], [], []
    for _ in range(RUNS):
        used, before = cpu_s([pid]), _rows_read(stack)
        full = await http_load.closed(stack.url, turns, clients=CLIENTS, seconds=RUN_S)
        feeds.append(len(full.latencies_s) / (cpu_s([pid]) - used))
        half = await http_load.open_loop(stack.url, turns, per_s=feeds[-1] / 2, seconds=RUN_S)
        rates.append(half.per_s)
        latencies_ms.append([1000 * one for one in half.latencies_s])
        answered = len(full.latencies_s) + len(half.latencies_s)
        ranked.append((_rows_read(stack) - before) / answered / a_feed)
    return PerCore("feeds", tuple(feeds)), latencies_ms, float(np.median(rates)), min(ranked)


def _rows_read(stack: LiveStack) -> float:
    """Rows of tweets that its API process has asked for: one for each candidate that it ranked."""
    with urllib.request.urlopen(f"{stack.url}/metrics") as answer:
        text = answer.read().decode()
    found = re.search(r'^rankfeed_feature_rows_read_total\{view="t"\} (\S+)$', text, re.M)
    return float(found[1]) if found else 0.0
