"""SIGKILL at every step between a post and a feed: nothing acknowledged is lost, nothing doubled."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from stores.lake import LakeReader
from tests.e2e.crowd import CLIENTS, Crowd, check_feeds
from tests.e2e.faulty_stack import all_hit, faulty_stack
from tests.e2e.people import event_of, http_client, make_people
from tests.faults.fault import Fault

pytestmark = pytest.mark.kill

ROUNDS = 2
MORE_ROUNDS = 8
FULL_LOAD = 50
"""Requests that must be under way when an api is killed."""

FANOUT_POINTS = ("graph.follower_page", "pipeline.execute", "fanout.commit")
PIPELINES = (
    Fault("pipelines", "lake.commit", "before", 2),
    Fault("pipelines", "lake.commit", "after", 2),
    Fault("pipelines", "features.commit", "before", 2),
)
KINDS = ("seen", "click", "hide", "report")
"""One wave of events each, so that there surely are commits enough."""


async def _post_through(home: Path, *faults: Fault) -> Crowd:
    with faulty_stack(home, *faults) as stack:
        async with http_client(stack) as http:
            people = await make_people(stack, http, 9)
            authors, viewers = people[:3], people[3:]
            for viewer in viewers:
                for author in authors:
                    await viewer.follow(author)
                # From here on there is a list to push to: what fan-out loses is missing in the feed.
                assert (await viewer.page())["tweets"] == []
            crowd = Crowd(authors)
            await crowd.post(ROUNDS)
            await stack.drained()
            # A worker that is slow to come back takes all that waited as one batch: on, until it is hit.
            for _ in range(MORE_ROUNDS):
                if all_hit(home, faults):
                    break
                await crowd.post(1)
                await stack.drained()
            await check_feeds(crowd, viewers)
            return crowd


async def test_the_api_is_killed_before_and_after_its_commit(tmp_path: Path) -> None:
    crowd = await _post_through(
        tmp_path, Fault("api", "tweets.create", "before", 60), Fault("api", "tweets.create", "after", 60)
    )
    assert min(crowd.broken_off) >= FULL_LOAD
    assert len(crowd.answers) >= ROUNDS * CLIENTS
    assert max(crowd.asked.values()) > 1


@pytest.mark.parametrize("point", FANOUT_POINTS)
async def test_fan_out_is_killed_in_the_midst_of_a_batch(point: str, tmp_path: Path) -> None:
    crowd = await _post_through(
        tmp_path, Fault("fanout", point, "before", 3), Fault("fanout", point, "after", 3)
    )
    # Whoever posts does not notice.
    assert crowd.broken_off == []


async def test_the_pipelines_are_killed_and_every_view_is_in_the_lake_once(tmp_path: Path) -> None:
    with faulty_stack(tmp_path, *PIPELINES) as stack:
        async with http_client(stack) as http:
            ada, *viewers = await make_people(stack, http, 9)
            for number in range(20):
                await ada.post(f"tweet {number}")
            for viewer in viewers:
                await viewer.follow(ada)
            sent = set()
            for kind in KINDS:
                batches = []
                for viewer in viewers:
                    page = await viewer.page(limit=20)
                    assert len(page["tweets"]) == 20
                    for tweet in page["tweets"]:
                        sent.add((viewer.user_id, int(tweet["tweet_id"]), kind))
                        batches.append((viewer, [event_of(tweet, kind)]))
                await Crowd([ada]).events(batches)
                await stack.drained()
            views = LakeReader(stack.home.lake).scan("views").collect()
            assert sorted(views.select("viewer", "tweet", "kind").rows()) == sorted(sent)
            assert views.select(pl.col("event_id").n_unique()).item() == len(sent)


async def test_a_run_in_which_the_point_is_not_hit_fails(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="was never hit"):
        await _post_once(tmp_path, Fault("api", "tweets.no_such_method", "before", 1))


async def _post_once(home: Path, fault: Fault) -> None:
    with faulty_stack(home, fault) as stack:
        async with http_client(stack) as http:
            (ada,) = await make_people(stack, http, 1)
            await ada.post("hello")
