"""Imports into real SQLite files: what arrives, what a second run changes, what a broken-off run leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import ConfigurationError, Unavailable
from core.ids import IMPORTER_DATACENTER, IMPORTER_MACHINE, TweetId, UserId, id_time_ms
from core.types import Tweet, User
from eventlog.schema import FollowSet, LikeSet, ReplySet, TweetCreated, UserCreated, Viewed
from interchange.kuairand import convert_kuairand
from tests.fakes import FakeClock
from tests.integration.import_stack import FACT_TABLES, BreakingLog, Stack
from tests.unit.interchange.datasets import (
    NOW_MS,
    START_MS,
    at,
    impression,
    rows_of_a_small_world,
    write_dataset,
    write_kuairand,
)


@pytest.fixture
def stacks(tmp_path: Path) -> Iterator[list[Stack]]:
    """Two stacks side by side, each on fresh files."""
    clock = FakeClock(NOW_MS)
    made = [Stack.open(tmp_path / name, clock) for name in ("one", "two")]
    yield made
    for stack in made:
        stack.close()


@pytest.fixture
def stack(stacks: list[Stack]) -> Stack:
    return stacks[0]


@pytest.fixture
def world(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "world", rows_of_a_small_world())


async def test_everything_arrives_with_its_own_time(stack: Stack, world: Path) -> None:
    report = await stack.run(world)
    assert report.written == {
        "users": 4,
        "follows": 1,
        "tweets": 3,
        "seen": 3,
        "click": 2,
        "dwell": 1,
        "hide": 1,
        "likes": 1,
    }
    assert report.not_imported == {"comment": 1}
    assert report.complete_until_ms == START_MS + 7 * 86_400_000
    assert not any(report.there.values())

    views = stack.events(stack.telemetry)
    assert [
        (envelope.ts_ms - START_MS, event.kind) for envelope, event in views if isinstance(event, Viewed)
    ] == [
        (10_000, "seen"),
        (10_000, "seen"),
        (10_000, "click"),
        (15_000, "dwell"),
        (20_000, "seen"),
        (25_000, "click"),
        (26_000, "hide"),
    ]
    everything = views + stack.events(stack.facts)
    assert len({envelope.id for envelope, _ in everything}) == len(everything)
    for envelope, _ in everything:
        assert id_time_ms(envelope.id) == envelope.ts_ms
        assert envelope.id >> 12 & 0x3FF == IMPORTER_DATACENTER << 5 | IMPORTER_MACHINE
    assert Counter(type(event) for _, event in everything) == {
        UserCreated: 4,
        FollowSet: 1,
        TweetCreated: 3,
        ReplySet: 1,
        LikeSet: 1,
        Viewed: 7,
    }


async def test_views_name_the_tweet_its_author_and_one_request(stack: Stack, world: Path) -> None:
    await stack.run(world)
    tweets = {row[0]: row for row in stack.rows("tweets")}
    views = [event for _, event in stack.events(stack.telemetry) if isinstance(event, Viewed)]
    assert all(tweets[view.tweet][1] == view.author for view in views)
    dwell = next(view for view in views if view.kind == "dwell")
    assert (dwell.value_ms, dwell.position, len(dwell.request_id)) == (5_000, 1, 16)
    (like,) = [event for _, event in stack.events(stack.facts) if isinstance(event, LikeSet)]
    assert (like.user, like.tweet, like.author, like.request_id) == (
        dwell.viewer,
        dwell.tweet,
        dwell.author,
        dwell.request_id,
    )


async def test_one_id_in_two_namespaces_is_two_people(stack: Stack, world: Path) -> None:
    await stack.run(world)
    ids = {(namespace, external): id_ for namespace, external, id_ in stack.rows("external_ids")}
    assert ids["w/user", "7"] != ids["w/author", "7"]
    people = await stack.targets.users.get_many([ids["w/user", "7"], ids["w/author", "7"]])
    assert people[ids["w/user", "7"]] == User(UserId(ids["w/user", "7"]), "ann", "Viewer 7", START_MS)
    assert people[ids["w/author", "7"]].display_name == "Author 7"
    followees = await stack.targets.graph.followees(UserId(ids["w/user", "7"]))
    assert followees.ids.tolist() == [ids["w/author", "9"]]


async def test_tweets_keep_their_time_and_missing_texts_are_made_up(stack: Stack, world: Path) -> None:
    await stack.run(world)
    ids = {external: id_ for namespace, external, id_ in stack.rows("external_ids") if namespace == "w/item"}
    stored = await stack.targets.tweets.get_many(list(ids.values()))
    assert [stored[ids[name]].text for name in ("t1", "t2", "t3")] == ["hello", "video t2 (12 s)", "yes"]
    assert stored[ids["t3"]].reply_to == ids["t1"]
    assert all(id_time_ms(id_) == tweet.created_ms for id_, tweet in stored.items())


async def test_handles_that_cannot_be_had_are_made_anew(stack: Stack, world: Path) -> None:
    await stack.targets.users.create(User(UserId(1), "ANN", "Ann", NOW_MS), [])
    report = await stack.run(world)
    assert report.handles_replaced == 2
    handles = [row[1] for row in stack.rows("users")]
    assert "bob" in handles
    assert len(set(handles)) == 5
    assert all(len(handle) <= 15 and handle.isalnum() for handle in handles)


async def test_a_second_run_says_so_and_changes_nothing(stack: Stack, world: Path) -> None:
    first = await stack.run(world)
    before = stack.truth()
    views = len(stack.events(stack.telemetry))
    second = await stack.run(world)
    assert second.already_done
    assert second.written == first.written
    assert "nothing was changed" in second.lines()[0]
    assert stack.truth() == before
    assert len(stack.events(stack.telemetry)) == views


@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("appends", [1, 2, 3])
async def test_a_broken_off_import_ends_in_the_same_facts(
    stacks: list[Stack], world: Path, appends: int, keeps: bool
) -> None:
    whole, broken = stacks
    await whole.run(world)
    with pytest.raises(Unavailable):
        await broken.run(world, log=BreakingLog(broken.targets.log, appends, keeps=keeps))
    broken.clock.advance(60_000)
    report = await broken.run(world)
    assert not report.already_done
    assert broken.truth() == whole.truth()
    assert Counter(report.written) + Counter(report.there) == {
        "users": 4,
        "follows": 1,
        "tweets": 3,
        "seen": 3,
        "click": 2,
        "dwell": 1,
        "hide": 1,
        "likes": 1,
    }
    # At most the one batch in doubt went in twice.
    repeated = len(broken.events(broken.telemetry)) - len(whole.events(whole.telemetry))
    assert repeated == 0 if not keeps else 0 < repeated <= 3
    assert (await broken.run(world)).already_done


async def test_a_later_export_of_the_same_world_adds_to_it(stack: Stack, world: Path, tmp_path: Path) -> None:
    await stack.run(world)
    people = stack.rows("users")
    rows = rows_of_a_small_world()
    # As many newcomers in the very moments of the old ones: their ids must not be taken.
    rows["users"] += [{"user": f"new{n}", "created_at": at(0)} for n in range(50)]
    rows["tweets"] += [{"tweet": f"new{n}", "author": "7", "created_at": at(3)} for n in range(50)]
    report = await stack.run(write_dataset(tmp_path / "later", rows))
    assert (report.written["users"], report.there["users"]) == (50, 4)
    assert (report.written["tweets"], report.there["tweets"]) == (50, 3)
    assert set(people) < set(stack.rows("users"))
    assert len({row[2] for row in stack.rows("external_ids")}) == 107


async def test_ids_of_other_things_are_left_alone(stacks: list[Stack], world: Path) -> None:
    probe, stack = stacks
    await probe.run(world)
    for row in probe.rows("tweets"):
        foreign = Tweet(TweetId(row[0]), UserId(1), "was here first", row[3])
        await stack.targets.tweets.create(foreign, None, [])
    await stack.run(world)
    texts = [row[2] for row in stack.rows("tweets")]
    assert texts.count("was here first") == 3
    assert {"hello", "yes"} <= set(texts)


async def test_bad_rows_are_left_out_and_the_rest_arrives(stack: Stack, tmp_path: Path) -> None:
    rows = rows_of_a_small_world()
    rows["tweets"].insert(1, {"tweet": "t9", "author": "nobody", "created_at": at(3), "text": "?"})
    rows["impressions"].append(rows["impressions"][0])
    report = await stack.run(write_dataset(tmp_path / "bad", rows))
    assert [(r.table, r.reason, r.rows) for r in report.refusals] == [
        ("tweets", "its author is not in users", 1)
    ]
    assert report.duplicates["impressions"] == 1
    assert (report.written["tweets"], report.written["seen"]) == (3, 3)


async def test_what_is_done_to_retweets_is_done_to_originals(stack: Stack, tmp_path: Path) -> None:
    rows = rows_of_a_small_world()
    retweet = {"author": "7", "created_at": at(6), "text": "RT", "retweet_of": "t2"}
    rows["tweets"] += [
        retweet | {"tweet": "t4"},
        retweet | {"tweet": "t5", "author": "9", "retweet_of": "t4"},
        retweet | {"tweet": "t6"},
        retweet | {"tweet": "t7", "retweet_of": "t7"},
    ]
    rows["impressions"] += [
        {"request": "r3", "viewer": "8", "tweet": name, "at": at(30), "position": 0, "seen": True}
        for name in ("t5", "t2", "t6")
    ]
    rows["engagements"].append({"viewer": "8", "tweet": "t5", "type": "click", "at": at(31), "request": "r3"})
    report = await stack.run(write_dataset(tmp_path / "retweets", rows))
    assert [(one.table, one.column, one.row_numbers, one.reason) for one in report.refusals] == [
        ("tweets", "retweet_of", [7], "it retweets itself, by way of others"),
        ("tweets", "retweet_of", [6], "its author retweeted the same tweet before"),
        ("impressions", "tweet", [6], "its tweet is not in tweets"),
    ]
    ids = {external: id_ for namespace, external, id_ in stack.rows("external_ids") if namespace == "w/item"}
    stored = await stack.targets.tweets.get_many([ids["t4"], ids["t5"]])
    assert {one.retweet_of for one in stored.values()} == {ids["t2"]}
    assert {one.text for one in stored.values()} == {""}
    views = [event for _, event in stack.events(stack.telemetry) if isinstance(event, Viewed)]
    assert {view.tweet for view in views} == {ids["t1"], ids["t2"]}
    # Both of the request were of one tweet, which it counts once; and the click is one click.
    clicks = [view for view in views if view.kind == "click" and view.viewer == views[-1].viewer]
    assert len({(view.request_id, view.tweet) for view in clicks}) == len(clicks) == 2


async def test_an_unusable_dataset_writes_nothing(stack: Stack, tmp_path: Path) -> None:
    rows = rows_of_a_small_world()
    rows["impressions"] = [row | {"viewer": "stranger"} for row in rows["impressions"]]
    with pytest.raises(ConfigurationError, match="not one row of impressions can be imported"):
        await stack.run(write_dataset(tmp_path / "bad", rows))
    assert all(stack.rows(table) == [] for table in (*FACT_TABLES, "control", "log"))


async def test_kuairand_all_the_way(stack: Stack, tmp_path: Path) -> None:
    shown = [
        impression(1, n % 3 + 1, START_MS + n * 1_000, is_click=n % 2, play_time_ms=n) for n in range(12)
    ]
    src = write_kuairand(tmp_path / "src", [shown[:8], shown[6:]])
    converted = convert_kuairand(
        src, tmp_path / "out", follow_engaged=True, until_ms=START_MS + 4_000, report=lambda _: None
    )
    assert converted.duplicates == 2
    report = await stack.run(tmp_path / "out")
    assert report.written == {
        "users": 6,
        "follows": 2,
        "tweets": 3,
        "seen": 12,
        "click": 6,
        "dwell": 11,
    }
    assert any("KuaiRand has no follow graph" in line for line in report.lines())
    views = stack.events(stack.telemetry)
    created = {row[0]: row[3] for row in stack.rows("tweets")}
    assert all(
        envelope.ts_ms >= created[event.tweet] for envelope, event in views if isinstance(event, Viewed)
    )
