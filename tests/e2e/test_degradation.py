"""Every cell of docs/degradation.md: a real stack with one part away, and one route asked."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.e2e.live_stack import LiveStack, live_stack
from tests.e2e.waiting import wait_until
from tests.outages.own_redis import OwnRedis
from tests.outages.scene import TIMEOUT_S, Question, check, prepare
from tests.outages.switched import SWITCHES
from tests.outages.table import PARTS, ROWS


@dataclass(frozen=True, slots=True)
class Breakable:
    """A stack whose parts can be taken away, each with how to bring it back."""

    stack: LiveStack
    redis: OwnRedis
    switches: Path

    def take_away(self, part: str) -> Callable[[], None]:
        if part == "Redis hangs":
            self.redis.hang()
            return self.redis.go_on
        if part == "Redis emptied":
            self.redis.flush()
            return lambda: None
        if part == "log away":
            return self._switch_off("log")
        if part == "store away":
            return self._switch_off("store")
        self.redis.kill()
        if part == "Redis gone":
            return self.redis.start
        assert part == "Redis and store away"
        switch_on = self._switch_off("store")

        def bring_back() -> None:
            switch_on()
            self.redis.start()

        return bring_back

    def _switch_off(self, name: str) -> Callable[[], None]:
        switch = self.switches / name
        switch.touch()
        return switch.unlink


@pytest.fixture(scope="module")
def breakable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Breakable]:
    root = tmp_path_factory.mktemp("outages")
    switches = root / "switches"
    switches.mkdir()
    own = OwnRedis(root / "redis")
    own.start()
    try:
        with live_stack(
            root / "stack",
            command=(sys.executable, "-m", "tests.outages.stack"),
            environment={SWITCHES: str(switches), "RANKFEED_REDIS_URL": own.url},
        ) as stack:
            yield Breakable(stack, own, switches)
            # Its Redis is not its own and does not end with it.
            stack.process.terminate()
            assert stack.process.wait(40) == 0, stack.words()
    finally:
        own.kill()


@pytest.fixture(scope="module")
def http(breakable: Breakable) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=breakable.stack.url, timeout=TIMEOUT_S) as client:
        yield client


@pytest.fixture(scope="module", params=PARTS)
def outage(
    request: pytest.FixtureRequest, breakable: Breakable, http: httpx.Client
) -> Iterator[tuple[str, dict[str, Question]]]:
    """One part is away while the rows are asked; afterwards everything is as ever."""
    part: str = request.param
    questions = prepare(breakable.stack, http)
    assert list(questions) == list(ROWS)
    with contextlib.ExitStack() as stack:
        stack.callback(breakable.take_away(part))
        yield part, questions
    after = prepare(breakable.stack, http)["`GET /v1/feed`"]

    def healed() -> bool:
        return after.ask().json()["meta"]["reason"] is None

    wait_until("the feed is as ever", healed)


@pytest.mark.parametrize("row", list(ROWS))
def test_a_route_while_a_part_is_away(row: str, outage: tuple[str, dict[str, Question]]) -> None:
    part, questions = outage
    question = questions[row]
    check(question.ask(), ROWS[row][PARTS.index(part)], question.expected)
