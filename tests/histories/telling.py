"""Histories told one after the other, in one process, on a ground of its own."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections import Counter
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import uvloop
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from stores.redis_assembly import open_redis
from stores.redis_options import RedisOptions
from tests.histories.facts import FactsOpener
from tests.histories.machine import Script, tell
from tests.histories.sizes import small_sizes
from tests.histories.tally import Tally
from tests.histories.world import Ground, quick_and_quiet
from wiring.redis_server import redis_binary

T = TypeVar("T")

_PATIENT_MS = 10_000
_SHORTEN = (Phase.generate, Phase.shrink)
_FIND = (Phase.generate,)


class Teller:
    """Tells histories on a ground of its own."""

    def __init__(self, ground: Ground, runner: asyncio.Runner) -> None:
        self._ground = ground
        self._runner = runner

    def open_facts_by(self, opener: FactsOpener) -> None:
        self._ground.open_facts = opener

    def wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        """Done in the loop that the histories are told in."""
        return self._runner.run(work)

    def tell(self, script: Script) -> Counter[str]:
        """What happened in it, how often. Raises AssertionError where something is not the truth's."""
        return self._runner.run(tell(self._ground, script))

    def tell_many(
        self, histories: SearchStrategy[Script], count: int, seed: int, *, shorten: bool = True
    ) -> Tally:
        """Raises what the first wrong one raised, made as short as Hypothesis can."""
        tally = Tally()

        @hypothesis.seed(seed)
        @settings(
            max_examples=count,
            phases=_SHORTEN if shorten else _FIND,
            suppress_health_check=list(HealthCheck),
            deadline=None,
            # What failed before is told again by its seed.
            database=None,
        )
        @given(histories)
        def every_feed_is_the_truth(script: Script) -> None:
            tally.add(len(script.steps), self.tell(script))

        every_feed_is_the_truth()
        return tally


@contextmanager
def teller() -> Iterator[Teller]:
    with (
        tempfile.TemporaryDirectory(prefix="histories-") as directory,
        _redis(Path(directory) / "redis") as url,
        small_sizes(),
        quick_and_quiet(),
        ThreadPoolExecutor(1) as executor,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        redis = open_redis(RedisOptions(url, _PATIENT_MS))
        try:
            yield Teller(Ground(Path(directory), redis, executor), runner)
        finally:
            runner.run(redis.aclose())


@contextmanager
def _redis(directory: Path) -> Iterator[str]:
    """A server on a socket in the directory, which ends with the block."""
    directory.mkdir()
    socket = directory / "socket"
    server = subprocess.Popen(
        [
            str(redis_binary()),
            *("--port", "0", "--unixsocket", str(socket), "--daemonize", "no"),
            *("--save", "", "--appendonly", "no", "--dir", str(directory)),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    try:
        said = []
        for line in server.stdout:
            said.append(line)
            if "ready to accept connections" in line.lower():
                break
        else:
            raise RuntimeError(f"redis-server did not start:\n{''.join(said)}")
        yield f"unix://{socket}"
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
