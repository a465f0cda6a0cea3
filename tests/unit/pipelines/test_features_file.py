"""The stream's own file: all or nothing, forward only, one process at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import ConfigurationError, Corrupt
from eventlog.log import Entry, TopicPartition
from features.accumulate import FeatureState, Observation, PackedRow
from features.packed_store import row_key
from features.schema import VIEWS
from features.seen_list import TTL_S, SeenList, seen_key
from pipelines.features_file import FeaturesFile
from pipelines.rows_table import FIRST
from tests.fakes import FakeClock

VIEWS_0 = TopicPartition("views.v1", 0)
VIEWS_1 = TopicPartition("views.v1", 1)
SEEN = [SeenList(1, b"list")]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def file(tmp_path: Path, clock: FakeClock) -> Iterator[FeaturesFile]:
    opened = FeaturesFile.open(tmp_path / "features.db", clock)
    yield opened
    opened.close()


def rows(viewers: int = 1) -> list[PackedRow]:
    state = FeatureState()
    for viewer in range(1, viewers + 1):
        state.apply(Observation(1_700_000_000_000, "seen", viewer, 50 + viewer, 70))
    return state.drain()


async def every_row(file: FeaturesFile, limit: int = 3) -> dict[bytes, int]:
    """The key in Redis, to its seconds left."""
    found: dict[bytes, int] = {}
    after: tuple[str, int, int] | None = FIRST
    while after is not None:
        page, after = await file.page(after, limit)
        assert len(page) <= limit
        assert not found.keys() & {row.key for row in page}
        found |= {row.key: row.ttl_s for row in page}
    return found


async def test_rows_keys_and_progress_come_back(file: FeaturesFile) -> None:
    written = rows()
    await file.commit(written, {b"k": 5}, {VIEWS_0: 7}, forget_before_ms=0, seen=SEEN)
    wanted = [(row.view, row.entity) for row in written]
    found = await file.find([b"k", b"other"], [*wanted, ("u", 999), ("va", (1, 999))], [1, 999])
    assert found.rows == written
    assert found.seen == SEEN
    assert found.counted == {b"k"}
    assert found.offsets == {VIEWS_0: 7}


async def test_a_commit_that_fails_leaves_nothing(file: FeaturesFile) -> None:
    with pytest.raises(OverflowError):
        await file.commit(rows(), {b"k": 2**70}, {VIEWS_0: 7}, forget_before_ms=0, seen=SEEN)
    found = await file.find([b"k"], [("g", 0)], [1])
    assert found == ({}, frozenset(), [], [])


async def test_progress_never_goes_back(file: FeaturesFile) -> None:
    await file.commit([], {}, {VIEWS_0: 7}, forget_before_ms=0)
    await file.commit([], {}, {VIEWS_0: 5, VIEWS_1: 3}, forget_before_ms=0)
    assert await file.load() == {VIEWS_0: 7, VIEWS_1: 3}
    await file.save({VIEWS_0: 6, VIEWS_1: 4})
    assert await file.load() == {VIEWS_0: 7, VIEWS_1: 4}


async def test_keys_are_forgotten_by_the_time_of_publication(file: FeaturesFile) -> None:
    await file.commit([], {b"old": 10, b"new": 20}, {}, forget_before_ms=0)
    await file.commit([], {}, {}, forget_before_ms=20)
    assert (await file.find([b"old", b"new"], [])).counted == {b"new"}


@pytest.mark.parametrize("limit", [1, 3, 1_000])
async def test_pages_show_every_row_and_list_once_with_what_is_left_of_its_ttl(
    file: FeaturesFile, clock: FakeClock, limit: int
) -> None:
    lists = [SeenList(viewer, b"list") for viewer in range(1, 5)]
    await file.commit(rows(4), {}, {}, forget_before_ms=0, seen=lists)
    clock.advance(10_000)
    found = await every_row(file, limit)
    of_rows, of_lists = {row_key(row.view, row.entity) for row in rows(4)}, set(map(seen_key, range(1, 5)))
    assert set(found) == of_rows | of_lists
    assert found[row_key("va", (1, 51))] == VIEWS["va"].ttl_s - 10
    assert found[row_key("g", 0)] == VIEWS["g"].ttl_s - 10
    assert found[seen_key(4)] == TTL_S - 10


async def test_expired_rows_are_not_shown_and_leave_the_file(file: FeaturesFile, clock: FakeClock) -> None:
    await file.commit(rows(), {}, {}, forget_before_ms=0, seen=SEEN)
    clock.advance(VIEWS["va"].ttl_s * 1000)
    others = {row_key(row.view, row.entity) for row in rows() if row.view != "va"}
    assert set(await every_row(file)) == {*others, seen_key(1)}
    await file.commit([], {}, {}, forget_before_ms=0)
    assert (await file.find([], [("va", (1, 51))])).rows == []
    assert len((await file.find([], [("u", 1)])).rows) == 1
    clock.advance((TTL_S - VIEWS["va"].ttl_s) * 1000)
    assert await every_row(file) == {}
    await file.commit([], {}, {}, forget_before_ms=0)
    assert (await file.find([], [], [1])).seen == []


async def test_a_second_stream_on_the_same_file_is_refused_until_the_first_has_ended(
    tmp_path: Path, clock: FakeClock
) -> None:
    path = tmp_path / "one.db"
    first = FeaturesFile.open(path, clock)
    with pytest.raises(ConfigurationError, match="in use by another features stream"):
        FeaturesFile.open(path, clock)
    first.close()
    FeaturesFile.open(path, clock).close()


def test_a_file_that_is_no_database_is_corrupt_and_not_held(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "one.db"
    path.write_bytes(b"no database" * 1_000)
    with pytest.raises(Corrupt, match="restore it from a backup or move it away"):
        FeaturesFile.open(path, clock)
    path.unlink()
    FeaturesFile.open(path, clock).close()


async def test_it_goes_back_to_what_is_younger_than_all_that_was_counted(file: FeaturesFile) -> None:
    offsets = {VIEWS_0: 700, VIEWS_1: 800}
    await file.commit(rows(), {}, offsets, forget_before_ms=0, reached={VIEWS_0: 50, VIEWS_1: 50})
    of_before = Entry(*VIEWS_0, 3, 1, b"", published_ms=49)
    of_another_log = Entry(*VIEWS_1, 3, 1, b"", published_ms=51)
    await file.rewind([of_before, of_another_log])
    assert await file.load() == {VIEWS_0: 700, VIEWS_1: 3}
    assert await file.reached() == {VIEWS_0: 50, VIEWS_1: 50}
