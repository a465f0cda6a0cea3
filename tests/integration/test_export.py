"""What was imported comes out again, and what came out goes in elsewhere; half an export is none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from core.errors import ConfigurationError
from eventlog.schema import LikeSet, Served, ServedItem, record_of
from interchange.dataset import open_dataset
from interchange.exporter import ExportSources, export_history
from interchange.report import Reporter
from interchange.schema import TABLES
from stores.lake import LakeReader
from tests.fakes import FakeClock
from tests.integration.export_world import SOURCE, exported, in_our_ids, rows
from tests.integration.import_stack import Stack
from tests.unit.interchange.datasets import NOW_MS, at, rows_of_a_small_world, write_dataset

COMPARED = {
    "users": ("user", "created_at"),
    "follows": ("follower", "followee", "at"),
    "tweets": ("tweet", "author", "created_at", "reply_to", "retweet_of", "media_kind"),
    "impressions": ("request", "viewer", "tweet", "at", "position", "surface", "seen"),
}


@pytest.fixture
def stacks(tmp_path: Path) -> Iterator[list[Stack]]:
    clock = FakeClock(NOW_MS)
    made = [Stack.open(tmp_path / name, clock) for name in ("one", "two")]
    yield made
    for stack in made:
        stack.close()


def world(directory: Path) -> Path:
    """The small world, a retweet, and an impression on a surface of its own."""
    told = rows_of_a_small_world()
    told["tweets"].append({"tweet": "t4", "author": "7", "created_at": at(6), "retweet_of": "t2"})
    told["impressions"].append(
        {"request": "r9", "viewer": "8", "tweet": "t3", "at": at(40), "surface": "tab-1", "seen": True}
    )
    return write_dataset(directory, told)


async def test_an_export_of_an_import_is_the_import(stacks: list[Stack], tmp_path: Path) -> None:
    stack, directory = stacks[0], world(tmp_path / "world")
    await stack.run(directory)
    report = await exported(stack, tmp_path / "lake", tmp_path / "out")
    assert report.rows == {"users": 4, "tweets": 4, "follows": 1, "impressions": 4, "engagements": 5}
    assert not (tmp_path / "out.half").exists()
    was, out = in_our_ids(stack, directory), open_dataset(tmp_path / "out")
    for table, columns in COMPARED.items():
        assert rows(out.tables[table], *columns) == rows(was[table], *columns), table
    # What the product has no event for is gone; a like has no request here, and others have theirs.
    known = was["engagements"].filter(pl.col("type") != "comment")
    for columns in (("viewer", "tweet", "type", "at", "value"),):
        assert rows(out.tables["engagements"], *columns) == rows(known, *columns)
    texts = dict(out.tables["tweets"].select("tweet", "text").iter_rows())
    assert sorted(str(text) for text in texts.values()) == ["None", "hello", "video t2 (12 s)", "yes"]
    # Complete up to the last moment of what was imported, and not up to now.
    assert out.meta.complete_until == at(40)
    assert (out.meta.source, out.meta.namespaces.viewers) == (SOURCE, f"{SOURCE}/user")


async def test_an_export_goes_in_elsewhere_and_comes_out_the_same(
    stacks: list[Stack], tmp_path: Path
) -> None:
    here, there = stacks
    await here.run(world(tmp_path / "world"))
    await exported(here, tmp_path / "lake", tmp_path / "out")
    imported = await there.run(tmp_path / "out")
    assert not imported.refusals
    assert (imported.not_imported, imported.references_dropped, imported.handles_replaced) == ({}, 0, 0)
    await exported(there, tmp_path / "other", tmp_path / "again")
    was, out = in_our_ids(there, tmp_path / "out"), open_dataset(tmp_path / "again")
    for table, columns in COMPARED.items():
        assert rows(out.tables[table], *columns) == rows(was[table], *columns), table
    told = ("viewer", "tweet", "type", "at", "value")
    assert rows(out.tables["engagements"], *told) == rows(was["engagements"], *told)
    handles = [sorted(open_dataset(tmp_path / name).tables["users"]["handle"]) for name in ("out", "again")]
    assert handles[0] == handles[1]


async def test_deleted_tweets_unlikes_and_repeats_are_not_there(stacks: list[Stack], tmp_path: Path) -> None:
    stack = stacks[0]
    await stack.run(world(tmp_path / "world"))
    ids = {
        external: id_ for namespace, external, id_ in stack.rows("external_ids") if namespace != "w/author"
    }
    t2 = (await stack.targets.tweets.get_many([ids["t2"]]))[ids["t2"]]
    await stack.targets.tweets.delete(t2, ver=t2.tweet_id + 1, outbox=[])
    likes = [LikeSet(ids["8"], ids["t1"], on, 7) for on in (True, False)]
    served = Served(
        ids["8"], b"q" * 16, NOW_MS, "ranked", "full", None, "m", "o", "h",
        [ServedItem(ids[name], 7, place, "timeline") for place, name in enumerate(("t1", "t3"))],
    )  # fmt: skip
    records = [
        record_of(event, id=NOW_MS << 22 | number, ts_ms=NOW_MS + number, key=1)
        for number, event in enumerate([*likes, likes[0], likes[1], served, served])
    ]
    await stack.targets.log.append(records)
    report = await exported(stack, tmp_path / "lake", tmp_path / "out")
    assert report.deleted == 2
    out = open_dataset(tmp_path / "out").tables
    left = {str(ids["t1"]), str(ids["t3"])}
    assert set(out["tweets"]["tweet"]) == set(out["impressions"]["tweet"]) == left
    assert set(out["engagements"]["type"]) == {"hide"}
    unseen = out["impressions"].filter(~pl.col("seen"))
    assert rows(unseen, "request", "position", "surface") == [
        (b"q".hex() * 16, 0, "home"),
        (b"q".hex() * 16, 1, "home"),
    ]


async def test_a_directory_with_something_in_it_is_left_alone(stacks: list[Stack], tmp_path: Path) -> None:
    await stacks[0].run(world(tmp_path / "world"))
    with pytest.raises(ConfigurationError, match="holds something already"):
        await exported(stacks[0], tmp_path / "lake", tmp_path / "world")
    assert len(list((tmp_path / "world").iterdir())) == len(TABLES) + 1


async def test_an_interrupted_export_leaves_nothing_and_can_be_made_again(
    stacks: list[Stack], tmp_path: Path
) -> None:
    stack, out = stacks[0], tmp_path / "out"
    await stack.run(world(tmp_path / "world"))
    await exported(stack, tmp_path / "lake", tmp_path / "first")
    sources = ExportSources(stack.targets.users, stack.targets.tweets, LakeReader(tmp_path / "lake"))

    def stop_at(table: str) -> Reporter:
        def report(line: str) -> None:
            assert not out.exists()
            if line.startswith("writing") and line.endswith(table):
                raise asyncio.CancelledError

        return report

    for table in TABLES:
        with pytest.raises(asyncio.CancelledError):
            await export_history(sources, out, source=SOURCE, report=stop_at(table))
        assert not out.exists()
        assert not (tmp_path / "out.half").exists()
    # One that was killed could not clean up behind it.
    (tmp_path / "out.half").mkdir()
    (tmp_path / "out.half/users.parquet").write_bytes(b"half")
    await export_history(sources, out, source=SOURCE, report=lambda _: None)
    assert open_dataset(out).digest == open_dataset(tmp_path / "first").digest
