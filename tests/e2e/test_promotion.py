"""Models change under readers: promoted, rolled back, refused, damaged on disk. No page mixes two of them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.errors import ConfigurationError
from features.schema import FEATURES
from ranking.outcome import Outcome
from ranking.registry import Registry
from tests.bundles import bundle, stump
from tests.e2e.command import rankfeed
from tests.e2e.live_stack import LiveStack, live_stack
from tests.e2e.people import Person, event_of, http_client, make_people
from tests.e2e.registries import registry_of
from tests.e2e.waiting import eventually

LENGTH = FEATURES.index("t.length")
SHORT, LONG = "short", "a tweet of more than thirty characters"
LONG_FIRST, SHORT_FIRST = "home@long", "home@short"
READERS, PAUSE_S = 2, 0.05
TWEETS = 12


async def test_models_change_under_readers_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    models = tmp_path / "home" / "models"
    bundle(models, "long", stump(0.25, 0.75, feature=LENGTH, threshold=20.0))
    graph = bundle(models, "short", stump(0.75, 0.25, feature=LENGTH, threshold=20.0)) / "model.onnx"
    with live_stack(tmp_path / "home", environment={"RANKFEED_API_PROCESSES": "2"}) as stack:
        async with http_client(stack) as http, registry_of(stack) as registry:
            reader = await _who_follows(stack, http)
            assert "home@long is the champion: 2 of 2 in" in await _models(stack, "promote", LONG_FIRST)
            await _says(reader, None, LONG_FIRST)
            await _promoted_under_readers(registry, reader)
            await _damaged(stack, registry, reader, graph)


async def _who_follows(stack: LiveStack, http: httpx.AsyncClient) -> Person:
    """A reader of short and long tweets, who has looked at one: there are features."""
    reader, author = await make_people(stack, http, 2)
    await reader.follow(author)
    for number in range(TWEETS):
        await author.post(f"{SHORT if number % 2 else LONG} {number}")

    async def arrived() -> bool:
        return len(await reader.feed()) == TWEETS

    await eventually("the tweets are there", arrived)
    seen = event_of((await reader.feed())[0], "seen")
    assert (await reader.call("POST", "/v1/events", json={"events": [seen]})).status_code == 202
    return reader


async def _promoted_under_readers(registry: Registry, reader: Person) -> None:
    served: list[str] = []
    done = asyncio.Event()

    async def read() -> None:
        while not done.is_set():
            page = await reader.page(algorithm="ranked")
            # On a busy machine a stage may be too slow, and an order of before or that of time is served;
            # another answer than a page is a failure.
            if page["meta"]["rung"] in ("full", "fewer"):
                _ordered(page)
                served.append(page["meta"]["model"])
            await asyncio.sleep(PAUSE_S)

    async def served_since(before: int) -> bool:
        return len(served) > before + 2 * READERS

    reading = [asyncio.create_task(read()) for _ in range(READERS)]
    assert (await registry.register("home", "short", "prefers short ones")).acknowledged == 2
    changes: Sequence[tuple[str, Callable[[], Awaitable[Outcome]]]] = (
        (SHORT_FIRST, lambda: registry.promote("home", "short", "")),
        (LONG_FIRST, lambda: registry.rollback("short is not always good")),
        (SHORT_FIRST, lambda: registry.promote("home", "short", "")),
    )
    for champion, change in changes:
        outcome = await change()
        assert (outcome.acknowledged, outcome.processes) == (2, 2)
        # What was under way may still be of the one before.
        before = len(served)
        await eventually("pages were read", partial(served_since, before))
        assert set(served[before + READERS :]) == {champion}
    done.set()
    await asyncio.gather(*reading)


def _ordered(page: dict[str, Any]) -> None:
    """The page is in the order of the model that it names, and of no other; what was looked at comes last."""
    *others, seen = page["tweets"]
    assert seen["text"] == f"{SHORT} {TWEETS - 1}"
    are_long = [len(tweet["text"]) > 20 for tweet in others]
    if page["meta"]["model"] == SHORT_FIRST:
        are_long = [not one for one in are_long]
    assert all(first >= second for first, second in pairwise(are_long)), page


async def _damaged(stack: LiveStack, registry: Registry, reader: Person, graph: Path) -> None:
    whole = await asyncio.to_thread(graph.read_bytes)
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    await asyncio.to_thread(graph.write_bytes, flipped)
    # It is loaded, and serves on; promoting it again is refused, and changes nothing.
    with pytest.raises(ConfigurationError, match="damaged"):
        await registry.promote("home", "short", "")
    await _says(reader, None, SHORT_FIRST)
    # Who starts now has nothing that serves, and says so.
    for name in ("api", "api-1"):
        os.kill(stack.pid(name), signal.SIGKILL)
    await _says(reader, "model_refused")
    shown = await _models(stack, "show", LONG_FIRST)
    assert shown.count("no model, beside it home@long") == 2
    assert shown.count("refuses home@short: home@short: model.onnx is damaged") == 2
    log = (stack.home.logs / "api.log").read_text().splitlines()
    assert any(json.loads(line)["event"] == "model_refused" for line in log)
    # Back to the one before; and once its files are mended, it may serve again.
    assert (await registry.rollback("it is damaged")).acknowledged == 2
    await _says(reader, None, LONG_FIRST)
    await asyncio.to_thread(graph.write_bytes, whole)
    assert (await registry.promote("home", "short", "mended")).acknowledged == 2


async def _says(reader: Person, reason: str | None, model: str | None = None) -> None:
    """Waits until each of six pages says so: one of each process is among them. What has a reason to be
    something else may still be in the order of a model of before."""

    async def all_say() -> bool:
        try:
            metas = [(await reader.page(algorithm="ranked", limit=n + 1))["meta"] for n in range(6)]
        except httpx.TransportError:
            return False
        return all(one["reason"] == reason and (reason or one["model"] == model) for one in metas)

    await eventually(f"pages say {reason}, {model}", all_say)


async def _models(stack: LiveStack, *arguments: str) -> str:
    ended = await asyncio.to_thread(rankfeed, "models", *arguments, home=stack.home.root)
    assert ended.code == 0, ended.err
    return ended.out
