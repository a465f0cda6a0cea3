"""Features and model are taken from a running stack, one way after the other: every page says what it is
and why, and ranked feeds come back by themselves."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from features.schema import FEATURES
from ranking.registry import Registry
from tests.bundles import bundle, stump
from tests.e2e.command import rankfeed
from tests.e2e.live_stack import LiveStack, live_stack
from tests.e2e.people import Person, event_of, http_client, make_people
from tests.e2e.registries import registry_of
from tests.e2e.waiting import eventually
from tests.slow_graph import slow

POSTS, AT_ONCE = 12, 4
LENGTH = FEATURES.index("t.length")
TOO_MUCH = 2_000
"""A product of two matrices of that size takes longer than a model may, on a fast machine too."""
# On a busy machine nothing else is to be slow.
PATIENT = {"RANKFEED_RANKING_TARGET_MS": "60000", "RANKFEED_RANKING_WAIT_MS": "2000"}
FULL = ("ranked", "full", None)

Told = tuple[str, str, str | None]


async def test_every_fault_takes_its_rung_and_goes_away(tmp_path: Path) -> None:
    models = tmp_path / "home" / "models"
    good = stump(0.25, 0.75, feature=LENGTH, threshold=20.0)
    bundle(models, "good", good)
    bundle(models, "slow", slow(good, TOO_MUCH))
    with live_stack(tmp_path / "home", environment=PATIENT) as stack:
        async with http_client(stack) as http:
            reader = await _who_follows(stack, http)
            async with registry_of(stack) as registry:
                await registry.promote("home", "good", "")
                await _say(reader, FULL)
                ranked = await _ids(reader)
                await _slowed(registry, reader, ranked)
            await _rows_lost(stack, reader)
            await _redis_stopped(stack, reader)
            await _say(reader, FULL)
            assert await _ids(reader) == ranked
            await asyncio.to_thread(_given_by_an_operator, stack)
            assert await _ids(reader) == ranked


async def _slowed(registry: Registry, reader: Person, ranked: Sequence[int]) -> None:
    await registry.promote("home", "slow", "")
    # The order of before, with the reason; then the breaker is open, and nobody asks the model.
    await _say(reader, ("ranked", "cached", "model_slow"))
    assert await _ids(reader) == ranked
    await _counted(reader, "rankfeed_breaker_opened_total", 'reason="model_slow"')
    await _counted(reader, "rankfeed_ladder_transitions_total", 'to="cached"')
    await registry.promote("home", "good", "")
    await _say(reader, FULL)


async def _rows_lost(stack: LiveStack, reader: Person) -> None:
    """All at once, with the lists of what was seen and the marker of who wrote them: the stream writes them
    anew."""
    said: set[Told] = set()

    def lose() -> None:
        with stack.redis() as client:
            client.unlink(*client.keys("f:*"), *client.keys("sv:*"))

    async def both() -> bool:
        said.add(await _told(reader))
        return FULL in said and len(said) > 1

    await asyncio.to_thread(lose)
    await eventually("rows were missing, and are back", both)
    assert said == {FULL, ("ranked", "cached", "features_missing")}


async def _redis_stopped(stack: LiveStack, reader: Person) -> None:
    pid = await asyncio.to_thread(stack.pid, "redis")
    os.kill(pid, signal.SIGSTOP)
    try:
        await _say(reader, ("chronological", "chronological", "cache_away"))
    finally:
        os.kill(pid, signal.SIGCONT)


def _given_by_an_operator(stack: LiveStack) -> None:
    """The same once more, by command: it says what feeds were, and that they came back."""
    ended = rankfeed("chaos", "model", "slow", "features", "redis", "--for", "1s", home=stack.home.root)
    assert ended.code == 0, ended.out + ended.err
    for name, told in (
        ("model", "cached (model_failed)"),
        ("slow", "cached (model_slow)"),
        ("features", "cached (features_missing)"),
        ("redis", "chronological (cache_away)"),
    ):
        pattern = rf"^{name} for .*: .*\d+ {re.escape(told)}.*; full again \d+\.\d s after it ended$"
        assert re.search(pattern, ended.out, re.M), ended.out
    assert re.search(r"^ +\d+\.\d s  .*cached \(model_failed\)", ended.out, re.M), ended.out


async def _who_follows(stack: LiveStack, http: httpx.AsyncClient) -> Person:
    """A reader of short and long tweets, who has looked at one: there are features."""
    reader, author = await make_people(stack, http, 2)
    await reader.follow(author)
    for number in range(POSTS):
        await author.post(f"{'short' if number % 2 else 'a tweet of more than thirty characters'} {number}")

    async def arrived() -> bool:
        return len(await reader.feed()) == POSTS

    await eventually("the tweets are there", arrived)
    seen = event_of((await reader.feed())[0], "seen")
    assert (await reader.call("POST", "/v1/events", json={"events": [seen]})).status_code == 202
    return reader


async def _told(reader: Person) -> Told:
    meta = (await reader.page(algorithm="ranked"))["meta"]
    return meta["algorithm_served"], meta["rung"], meta["reason"]


async def _say(reader: Person, told: Told) -> None:
    """Waits until pages that are asked for at once all say so."""

    async def all_say() -> bool:
        return set(await asyncio.gather(*(_told(reader) for _ in range(AT_ONCE)))) == {told}

    await eventually(f"pages say {told}", all_say)


async def _ids(reader: Person) -> list[int]:
    page: dict[str, Any] = await reader.page(algorithm="ranked")
    return [int(tweet["tweet_id"]) for tweet in page["tweets"]]


async def _counted(reader: Person, metric: str, label: str) -> None:
    async def counted() -> bool:
        await _told(reader)
        text = (await reader.call("GET", "/metrics")).text
        return any(line.startswith(metric + "{") and label in line for line in text.splitlines())

    await eventually(f"{metric} has {label}", counted)
