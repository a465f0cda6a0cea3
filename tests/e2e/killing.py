"""One run of a stack in which every fault happens under load, and the account that is taken afterwards."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from features.packed_row import decode_row
from features.schema import VIEWS
from stores.lake import LakeReader
from tests.e2e.bustle import Bustle
from tests.e2e.crowd import check_feeds
from tests.e2e.fans import check_fans
from tests.e2e.faulty_stack import faulty_stack, left
from tests.e2e.live_stack import LiveStack
from tests.e2e.people import http_client, make_people
from tests.e2e.stubborn import Stubborn
from tests.faults.fault import Fault, arm, mark_of
from timelines.layout import timeline_key
from wiring.environment import variable_of

FULL_LOAD = 50
"""Requests that must be under way when an api is killed."""
PATIENCE_S = 1_500.0
"""For all of it: some hundred processes start in its course, on whatever else the machine does."""
PATIENT = {variable_of(("api", "feed_deadline_ms")): "10000"}
"""A feed that is late is no loss: whatever else the machine does, it is to be complete."""
NEWEST = 50
FANS, STRANGERS = 40, 5


async def kill_everywhere(
    home: Path, faults: Sequence[Fault], environment: Mapping[str, str] | None = None
) -> None:
    """Starts a stack, lets every fault happen, and checks that nothing is lost and nothing doubled."""
    of_api = [number for number, fault in enumerate(faults) if fault.role == "api"]

    def api_deaths() -> int:
        return sum(mark_of(home, number).exists() for number in of_api)

    end_s = time.monotonic() + PATIENCE_S
    with faulty_stack(home, faults, {**PATIENT, **(environment or {})}) as stack:
        async with http_client(stack) as http:
            people = await make_people(stack, http, 7 + STRANGERS + FANS)
            authors, viewers, strangers = people[:3], people[3:7], people[7 : 7 + STRANGERS]
            for viewer in viewers:
                for author in authors:
                    await viewer.follow(author)
                # From here on there is a list to push to: what fan-out loses is missing in the feed.
                assert (await viewer.page())["tweets"] == []
            line = Stubborn(api_deaths, patient=True)
            bustle = Bustle(stack, http, authors, viewers, people[7 + STRANGERS :], strangers, line)
            arm(home)
            await bustle.go_on(
                busy=lambda: api_deaths() < len(of_api),
                until=lambda: not left(home, faults) or time.monotonic() > end_s,
            )
            assert left(home, faults) == []
            line.look()
            assert len(line.broken_off) == len(of_api)
            assert min(line.broken_off, default=FULL_LOAD) >= FULL_LOAD, line.broken_off
            await stack.drained()
            await check_feeds(bustle.crowd, viewers)
            await check_fans(stack, bustle.fans)
            await _check_joined(bustle)
            _check_lists(stack, bustle)
            _check_lake(stack, bustle)
            _check_features(stack, bustle)


async def _check_joined(bustle: Bustle) -> None:
    """Whoever was told to have joined has a profile, and sees what those post whom they follow."""
    newest = sorted(bustle.crowd.left.values(), reverse=True)[:NEWEST]
    for person in bustle.joined:
        answer = await person.call("GET", f"/v1/users/{person.user_id}")
        assert answer.status_code == 200, answer.text
        shown = (await person.page(limit=NEWEST))["tweets"]
        assert [int(tweet["tweet_id"]) for tweet in shown] == newest


def _check_lists(stack: LiveStack, bustle: Bustle) -> None:
    """What fan-out pushed is there by itself: the feeds were not made good from the store."""
    newest = set(sorted(bustle.crowd.left.values(), reverse=True)[:NEWEST])
    with stack.redis() as redis:
        for person in bustle.joined:
            items = redis.lrange(timeline_key(person.user_id), 0, -1)
            assert isinstance(items, list)
            assert newest <= set(map(int, items))


def _check_lake(stack: LiveStack, bustle: Bustle) -> None:
    """Every entry of the log once, everything acknowledged at least once, and nothing else."""
    reader = LakeReader(stack.home.lake)
    views = reader.scan("views").collect()
    assert views["event_id"].n_unique() == len(views)
    found = Counter(views.select("viewer", "tweet").iter_rows())
    # A report that was repeated because nobody answered may be there as often.
    assert found.keys() == bustle.seen.keys()
    assert all(bustle.seen[item] <= found[item] <= bustle.told[item] for item in found)
    tweets = reader.scan("tweets").collect()
    of_fans = {one for fan in bustle.fans.fans for one in fan.own | fan.deleted}
    assert set(bustle.crowd.tweet_ids.values()) | of_fans == set(tweets["tweet"].to_list())


def _check_features(stack: LiveStack, bustle: Bustle) -> None:
    """Each serving that was reported as seen, each like, reply and retweet, and each end of one, is
    counted once; and each tweet that was written."""
    by_tweet = Counter[int]()
    for fan in bustle.fans.fans:
        by_tweet += fan.changed
    for (_, tweet), count in bustle.seen.items():
        by_tweet[tweet] += count
    with sqlite3.connect(f"file:{stack.home.features}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT view, entity, packed FROM rows WHERE view IN ('g', 't')").fetchall()
    connection.close()
    counted = {(view, entity): decode_row(packed, VIEWS[view]).seq for view, entity, packed in rows}
    assert counted.pop(("g", 0)) == sum(by_tweet.values())
    written = {one for fan in bustle.fans.fans for one in fan.own | fan.deleted}
    by_tweet.update(written.union(bustle.crowd.tweet_ids.values()))
    assert {tweet: count for (_, tweet), count in counted.items()} == by_tweet
