"""From the queue into the offline source: once, in order, through a disk that fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import polars as pl
import pytest

from eventlog.log import TopicPartition
from features.accumulate import FeatureState, Observation
from features.offline_rows import DIRECTORY, OFFLINE
from features.schema import VIEWS
from pipelines.features_file import FeaturesFile
from pipelines.features_offline import FeaturesOffline, OfflineOptions
from pipelines.rows_table import FIRST
from stores.lake import LakeReader, manifest_path, newest_manifest
from stores.lake_disk import LakeDisk
from tests.fakes import FakeClock
from tests.unit.pipelines.damaged import is_damaged, until_damaged

PARTITION = TopicPartition("views.v1", 3)
NOW_MS = 1_700_000_000_000
AT_ONCE = OfflineOptions(flush_rows=12, flush_s=0.0, retry_s=0.001, damaged_retry_s=0.001)


class FailingDisk(LakeDisk):
    """Fails the next renames, before or after they happened."""

    def __init__(self, *failures: str) -> None:
        self.failures = list(failures)

    def rename(self, source: Path, target: Path) -> None:
        failure = self.failures.pop(0) if self.failures else None
        if failure == "before":
            raise OSError(5, "Input/output error")
        super().rename(source, target)
        if failure == "after":
            raise OSError(5, "Input/output error")


class World:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.state = FeatureState()
        self.seen = 0

    @asynccontextmanager
    async def running(self, disk: LakeDisk | None = None) -> AsyncIterator[FeaturesOffline]:
        """The file and the task beside it, until what was queued is in the source."""
        file = FeaturesFile.open(self.home / "features.db", FakeClock())
        offline = FeaturesOffline(file.offline, self.home, FakeClock(), disk or LakeDisk(), AT_ONCE)
        self.file, stop = file, asyncio.Event()
        try:
            assert await offline.open(stop)
            task = asyncio.create_task(offline.run(stop))
            yield offline
            stop.set()
            offline.wake()
            await task
        finally:
            file.close()

    async def see(self, offline: FeaturesOffline) -> None:
        self.seen += 1
        self.state.apply(Observation(NOW_MS + self.seen * 1_000, "seen", 1, 3, 5))
        await self.file.commit(
            self.state.drain(),
            {},
            {PARTITION: self.seen},
            forget_before_ms=0,
            arrived_ms=NOW_MS,
            reached={PARTITION: NOW_MS + self.seen},
        )
        offline.wake()

    def frame(self, view: str) -> pl.DataFrame:
        return LakeReader(self.home / DIRECTORY, OFFLINE).scan(view).sort("created").collect()

    def check(self) -> None:
        for view in VIEWS:
            frame = self.frame(view)
            assert frame["seq"].to_list() == list(range(1, self.seen + 1))
            assert frame["chunk"].is_sorted()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_every_committed_row_is_there_once_and_in_order(world: World) -> None:
    for _ in range(3):
        async with world.running() as offline:
            for _ in range(4):
                await world.see(offline)
        world.check()


@pytest.mark.parametrize("failures", [("before",), ("after",), ("after", "before", "after")])
async def test_a_disk_that_fails_loses_and_doubles_nothing(world: World, failures: tuple[str, ...]) -> None:
    disk = FailingDisk(*failures)
    async with world.running(disk) as offline:
        while disk.failures:
            await world.see(offline)
            await asyncio.sleep(0)
    async with world.running():
        pass
    world.check()


async def test_what_is_in_the_source_leaves_the_queue(world: World) -> None:
    async with world.running() as offline:
        for _ in range(4):
            await world.see(offline)
    async with world.running():
        assert [chunk.number for chunk in await world.file.offline.waiting(1, max_rows=100)] == [20]


@pytest.mark.parametrize("lost", [True, False])
async def test_a_file_that_is_lost_or_put_back_from_a_copy_is_made_anew_from_the_source(
    world: World, lost: bool
) -> None:
    path = world.home / "features.db"
    async with world.running() as offline:
        await world.see(offline)
    copy = path.read_bytes()
    async with world.running() as offline:
        for _ in range(3):
            await world.see(offline)
    async with world.running():
        before = (await world.file.page(FIRST, 100)).rows
    for name in path.parent.glob("features.db*"):
        name.unlink()
    if not lost:
        path.write_bytes(copy)
    async with world.running() as offline:
        assert (await world.file.page(FIRST, 100)).rows == before
        assert await world.file.load() == {PARTITION: world.seen}
        assert await world.file.reached() == {PARTITION: NOW_MS + world.seen}
        await world.see(offline)
    # And what comes next follows on what was there.
    world.check()


async def test_it_says_how_far_the_source_is_complete(world: World) -> None:
    async with world.running() as offline:
        await world.see(offline)
    manifest = newest_manifest(world.home / DIRECTORY)
    assert manifest is not None
    assert manifest.complete_until_ms == dict.fromkeys(VIEWS, NOW_MS)


async def test_a_damaged_source_is_told_of_and_gone_on_with_once_it_is_mended(world: World) -> None:
    async with world.running() as offline:
        await world.see(offline)
    manifest = manifest_path(world.home / DIRECTORY, 1)
    whole = manifest.read_bytes()
    manifest.write_bytes(b"{}")

    async def mend() -> None:
        await until_damaged("features_offline")
        manifest.write_bytes(whole)

    mending = asyncio.create_task(mend())
    async with world.running() as offline:
        await mending
        assert not is_damaged("features_offline")
        await world.see(offline)
    world.check()


async def test_a_source_that_is_damaged_meanwhile_does_not_end_the_stream(world: World) -> None:
    async with world.running() as offline:
        await world.see(offline)
    # After a write that failed the source is opened anew, and every file looked for.
    async with world.running(FailingDisk("before")) as offline:
        (file,) = (world.home / DIRECTORY / "g").rglob("*.parquet")
        file.rename(world.home / "elsewhere")
        await world.see(offline)
        await until_damaged("features_offline")
        (world.home / "elsewhere").rename(file)
    world.check()


async def test_a_source_whose_rows_cannot_be_read_is_waited_for(world: World) -> None:
    async with world.running() as offline:
        await world.see(offline)
    for name in world.home.glob("features.db*"):
        name.unlink()
    (file,) = (world.home / DIRECTORY / "g").rglob("*.parquet")
    file.write_bytes(bytes(file.stat().st_size))
    stop = asyncio.Event()
    rows = FeaturesFile.open(world.home / "features.db", FakeClock())
    opening = asyncio.create_task(
        FeaturesOffline(rows.offline, world.home, FakeClock(), LakeDisk(), AT_ONCE).open(stop)
    )
    await until_damaged("features_offline")
    stop.set()
    assert not await opening
    rows.close()


async def test_a_stop_ends_the_wait_for_a_disk_that_is_away(world: World) -> None:
    file = FeaturesFile.open(world.home / "features.db", FakeClock())
    (world.home / DIRECTORY).write_text("no directory")
    stop = asyncio.Event()
    offline = FeaturesOffline(file.offline, world.home, FakeClock(), LakeDisk(), AT_ONCE)
    opening = asyncio.create_task(offline.open(stop))
    await asyncio.sleep(0)
    stop.set()
    assert not await opening
    file.close()
