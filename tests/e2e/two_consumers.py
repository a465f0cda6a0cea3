"""Two consumers of one group, one killed and one added, under load: what was given twice, and made twice."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from eventlog.envelope import decode_envelope
from eventlog.kafka_log import KafkaEventLog
from eventlog.log import OperatedLog
from eventlog.reading import read
from eventlog.schema import TWEETS, TweetCreated, decode_event
from eventlog.worker import WorkerOptions
from fanout.handlers import TOPICS
from tests.e2e.consumer import EFFECTS, Given, given_to
from tests.e2e.crowd import Crowd, check_feeds
from tests.e2e.live_stack import ROOT, LiveStack, clean_environment, live_stack
from tests.e2e.people import Person, http_client, make_people
from tests.e2e.waiting import eventually
from tests.faults.fault import Fault, arm, environment_of
from timelines.layout import timeline_key
from wiring.distributed import kafka_options
from wiring.environment import variable_of

STAYING, KILLED, ADDED = "fanout-0", "fanout-1", "fanout-2"
BATCHES = 5
"""What each has to have been given before the next thing happens."""
# Effects made, and not committed: the worst that a consumer can leave behind.
DEATH = Fault("fanout", "fanout.commit", "before", 10)

Place = tuple[str, int, int]


@contextmanager
def consumer(
    stack: LiveStack, instance: str, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """One more fan-out process beside the stack's own."""
    own = {variable_of(("kafka", "instance")): instance}
    with (stack.home.logs / f"{instance}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.consumer"],
            env={**clean_environment(), **stack.variables, **environment, **own},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


async def kill_one_and_add_one(home: Path, place: dict[str, str]) -> None:
    """Starts a stack with a second consumer; what is wrong afterwards is an AssertionError."""
    told = {EFFECTS: str(home)}
    command = (sys.executable, "-m", "tests.e2e.consumer_stack")
    with live_stack(home, command=command, environment={**place, **told}) as stack:
        async with http_client(stack) as http:
            people = await make_people(stack, http, 24)
            authors, viewers = people[:20], people[20:]
            for viewer in viewers:
                await asyncio.gather(*(viewer.follow(author) for author in authors))
                # From here on there is a list to push to: what fan-out loses is missing in the feed.
                assert (await viewer.page())["tweets"] == []
            # A follow that is applied later brings what was posted until then, and the push brings it again.
            await stack.drained()
            crowd = Crowd(authors)
            enough = asyncio.Event()
            load = asyncio.create_task(_post_until(crowd, enough))
            await _given(STAYING, home)
            with consumer(stack, KILLED, told | environment_of([DEATH], home)) as killed:
                await _given(KILLED, home)
                arm(home)
                assert await asyncio.to_thread(killed.wait, 60) == -signal.SIGKILL
                with consumer(stack, ADDED, told):
                    await _given(ADDED, home)
                    enough.set()
                    await load
                    await stack.drained()
            given = {one: given_to(one, home) for one in (STAYING, KILLED, ADDED)}
            overlaps = _check_given(given)
            await _check_effects(stack, crowd, viewers, given, overlaps)


async def _post_until(crowd: Crowd, enough: asyncio.Event) -> None:
    while not enough.is_set():
        await crowd.post(1)


async def _given(instance: str, directory: Path) -> None:
    async def some() -> bool:
        return len(given_to(instance, directory)) >= BATCHES

    await eventually(f"{instance} is given {BATCHES} batches", some, 120.0)


def _check_given(given: dict[str, list[Given]]) -> set[Place]:
    """What was given twice: the batch that the killed one had under way, and nothing else."""
    # A partition is one consumer's in each division of the group.
    holders: dict[tuple[int, str, int], set[str]] = {}
    for instance, batches in given.items():
        for batch in batches:
            assert batch.generation > 0
            for topic, partition, _ in batch.entries:
                holders.setdefault((batch.generation, topic, partition), set()).add(instance)
    assert all(len(instances) == 1 for instances in holders.values())
    assert len({generation for generation, _, _ in holders}) >= 3
    times = Counter(entry for batches in given.values() for batch in batches for entry in batch.entries)
    overlaps = {entry for entry, count in times.items() if count > 1}
    assert max(times.values()) == 2
    assert overlaps == set(given[KILLED][-1].entries)
    per_partition = Counter(entry[:2] for entry in overlaps)
    assert max(per_partition.values()) <= WorkerOptions("", ()).batch
    return overlaps


async def _check_effects(
    stack: LiveStack,
    crowd: Crowd,
    viewers: Sequence[Person],
    given: dict[str, list[Given]],
    overlaps: set[Place],
) -> None:
    """Every entry was given, and every tweet is in every feed, once."""
    async with KafkaEventLog(kafka_options(stack.settings)) as log:
        ends = await log.ends(TOPICS)
        tweets = await _tweets_of(log)
    places = {entry for batches in given.values() for batch in batches for entry in batch.entries}
    assert places == {(*tp, offset) for tp, end in ends.items() for offset in range(end)}
    await check_feeds(crowd, viewers)
    pushed_twice = {tweets[one] for one in overlaps if one in tweets}
    with stack.redis() as redis:
        for viewer in viewers:
            pushed = Counter(int(item) for item in redis.lrange(timeline_key(viewer.user_id), 0, -2))
            assert {tweet for tweet, count in pushed.items() if count > 1} <= pushed_twice


async def _tweets_of(log: OperatedLog) -> dict[Place, int]:
    found: dict[Place, int] = {}
    async for entry in read(log, [TWEETS]):
        event = decode_event(decode_envelope(entry.value))
        if isinstance(event, TweetCreated):
            found[entry[:3]] = event.tweet
    return found
