"""Twice as many ranked feeds as one API process can make: how many are answered, how fast, and how.

The most that it can make is what a few clients get, each asking as soon as it is answered: no more of
them than are ranked at once, so that nobody waits and all is on the upper rungs. The load comes at fixed
moments, whatever becomes of the answers, and then at half of the most until feeds are full again.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench.bars import http_load, ranked_world
from bench.bars.bar import Result
from bench.bars.stacks import embedded_stack, run
from tests.e2e.live_stack import LiveStack

CLIENTS = 2
MOST_S, OVERLOAD_S, AFTER_S = 10.0, 20.0, 12.0
TIMES = 2.0
GOODPUT, P99_MS, RECOVERY_S = 0.7, 300.0, 10.0
DEADLINE_S = 1.5
"""The API's own; an answer after it is no good."""
SECOND_FULL = 0.95
"""Of a second's answers: it counts as one in which feeds were full again."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One request: seconds since the load began when it was due, how long its answer took, and its rung."""

    due_s: float
    took_s: float
    rung: str


def measure(arguments: list[str]) -> Result:
    with embedded_stack(ranked_world.LIMITS) as stack:
        most_per_s, over, after = run(lambda: _measure(stack))
    good = sum(one.rung != "refused" and one.took_s <= DEADLINE_S for one in over) / OVERLOAD_S
    answered_s = [one.took_s for one in over if one.rung != "refused"]
    p99_ms = 1000 * float(np.percentile(answered_s, 99))
    back_s = _full_again_s(after)
    back = "not within" if back_s is None else f"{back_s:.0f} of"
    return Result(
        f"ranked feeds of 200 candidates at {TIMES:g} times the most, one API process, embedded, "
        f"{OVERLOAD_S:.0f} s",
        f"most {most_per_s:.0f}/s; goodput {100 * good / most_per_s:.0f} %; p99 of answers {p99_ms:.0f} ms; "
        f"{_shares(over)}; full again {back} {AFTER_S:.0f} s at half",
        f"goodput ≥ {100 * GOODPUT:.0f} %, answered p99 ≤ {P99_MS:.0f} ms, full within {RECOVERY_S:.0f} s",
        good >= GOODPUT * most_per_s and p99_ms <= P99_MS and back_s is not None and back_s <= RECOVERY_S,
        seed=str(ranked_world.CROWD.seed),
    )


async def _measure(stack: LiveStack) -> tuple[float, list[Answered], list[Answered]]:
    requests = await ranked_world.build(stack, "1")
    turns = itertools.cycle(requests)
    most = await http_load.closed(stack.url, turns, clients=CLIENTS, seconds=MOST_S)
    over = await _load(stack.url, turns, per_s=TIMES * most.per_s, seconds=OVERLOAD_S)
    after = await _load(stack.url, turns, per_s=most.per_s / 2, seconds=AFTER_S)
    return most.per_s, over, after


async def _load(url: str, requests: Iterator[bytes], *, per_s: float, seconds: float) -> list[Answered]:
    idle: list[http_load.Connection] = []
    answered: list[Answered] = []

    async def one(due_s: float, request: bytes) -> None:
        connection = idle.pop() if idle else await http_load.Connection.open(url)
        try:
            status, body = await connection.exchange(request)
        except (asyncio.IncompleteReadError, ConnectionError):
            # It was idle for seconds, and the server closed it.
            connection = await http_load.Connection.open(url)
            status, body = await connection.exchange(request)
        took_s = time.perf_counter() - began_s - due_s
        rung = json.loads(body)["meta"]["rung"] if status == 200 else "refused"
        answered.append(Answered(due_s, took_s, rung))
        idle.append(connection)

    began_s = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(per_s * seconds)):
            due_s = number / per_s
            await asyncio.sleep(max(0.0, began_s + due_s - time.perf_counter()))
            tasks.create_task(one(due_s, next(requests)))
    for connection in idle:
        connection.close()
    return answered


def _shares(answered: list[Answered]) -> str:
    rungs = Counter(one.rung for one in answered)
    return ", ".join(f"{name} {100 * count / len(answered):.0f} %" for name, count in rungs.most_common())


def _full_again_s(after: list[Answered]) -> float | None:
    """Seconds until all whole seconds that follow are full."""
    since_s = None
    for second in range(int(AFTER_S)):
        rungs = [one.rung for one in after if second <= one.due_s < second + 1]
        full = rungs.count("full") >= SECOND_FULL * len(rungs)
        since_s = (since_s if since_s is not None else float(second)) if full else None
    return since_s
