"""Closed hours become one file each: the same rows once, whatever ends the process where."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import polars as pl
import pytest

from core.errors import Unavailable
from features.offline_rows import OFFLINE
from stores.lake import LakeReader
from stores.lake_compaction import LakeCompaction
from stores.lake_disk import LakeDisk
from stores.lake_merging import AT_ONCE, STEADILY, CompactionPolicy
from stores.lake_store import GRACE_MS, KEPT_MANIFESTS, Addition, LakeStore
from stores.lake_tables import HOUR_MS, SCHEMAS

HOUR_START_MS = 1_700_000_000_000 // HOUR_MS * HOUR_MS
CLOSED_MS = HOUR_START_MS + HOUR_MS + STEADILY.settle_ms
FILES = 9


def views(ids: Iterable[int]) -> pl.DataFrame:
    """Of one hour, but for those from 1,000 on, which are of the hour before."""
    rows = [(HOUR_START_MS + i - HOUR_MS * (i >= 1_000), i, 1, "ab", 10, 20, "seen", 0, 0, "") for i in ids]
    return pl.DataFrame(rows, schema=SCHEMAS["views"], orient="row")


def commit(store: LakeStore, ids: Iterable[int], now_ms: int = HOUR_START_MS) -> None:
    ids = list(ids)
    store.commit(Addition({"views": views(ids)}, {"views.v1": {0: max(ids) + 1}}, {"views": now_ms}), now_ms)


def written(root: Path, files: int = FILES, disk: LakeDisk | None = None) -> LakeStore:
    """A lake of an hour of two rows a file, the later ones first."""
    store = LakeStore.open(root, disk or LakeDisk())
    for i in reversed(range(files)):
        commit(store, [2 * i, 2 * i + 1])
    return store


def rows_of(reader: LakeReader) -> list[int]:
    return sorted(reader.scan("views").collect()["event_id"].to_list())


def compacted(store: LakeStore, now_ms: int = CLOSED_MS, policy: CompactionPolicy = STEADILY) -> int:
    """How many steps there were."""
    compaction, steps = LakeCompaction(store, policy), 0
    while compaction.step(now_ms) is not None:
        steps += 1
    return steps


def test_a_closed_hour_becomes_one_file_in_order_of_time(tmp_path: Path) -> None:
    store = written(tmp_path)
    before = store.manifest
    assert compacted(store) == 1
    (file,) = store.manifest.files["views"]
    assert (file.rows, file.from_ms, file.to_ms) == (18, HOUR_START_MS, HOUR_START_MS + 17)
    assert (store.manifest.offsets, store.manifest.complete_until_ms) == (
        before.offsets,
        before.complete_until_ms,
    )
    assert LakeReader(tmp_path).scan("views").collect().equals(views(range(18)))
    store.close()


@pytest.mark.parametrize(
    ("files", "written_ms", "now_ms", "steps"),
    [
        (FILES, HOUR_START_MS, CLOSED_MS - 1, 0),
        (FILES, HOUR_START_MS, CLOSED_MS, 1),
        # Something came late.
        (FILES, CLOSED_MS, CLOSED_MS + STEADILY.settle_ms - 1, 0),
        (FILES, CLOSED_MS, CLOSED_MS + STEADILY.settle_ms, 1),
        # A few files wait until nothing more can come.
        (STEADILY.few_files - 1, HOUR_START_MS, CLOSED_MS, 0),
        (2, HOUR_START_MS, HOUR_START_MS + HOUR_MS + STEADILY.late_ms - 1, 0),
        (2, HOUR_START_MS, HOUR_START_MS + HOUR_MS + STEADILY.late_ms, 1),
        (1, HOUR_START_MS, HOUR_START_MS + HOUR_MS + STEADILY.late_ms, 0),
    ],
)
def test_an_hour_is_compacted_once_it_is_quiet_and_worth_it(
    tmp_path: Path, files: int, written_ms: int, now_ms: int, steps: int
) -> None:
    store = LakeStore.open(tmp_path, LakeDisk())
    for i in range(files):
        commit(store, [i], written_ms)
    assert compacted(store, now_ms) == steps
    store.close()


def test_by_hand_every_hour_that_is_over_is_compacted_and_none_that_is_not(tmp_path: Path) -> None:
    store = LakeStore.open(tmp_path, LakeDisk())
    for i in (1, 1_001, 2, 1_002):
        commit(store, [i], HOUR_START_MS + 1)
    assert compacted(store, HOUR_START_MS + 1, AT_ONCE) == 1
    assert sorted(file.rows for file in store.manifest.files["views"]) == [1, 1, 2]
    assert rows_of(LakeReader(tmp_path)) == [1, 2, 1_001, 1_002]
    store.close()


def test_rows_that_are_there_twice_are_dropped_and_counted(tmp_path: Path) -> None:
    store = written(tmp_path)
    commit(store, [3, 4, 99])
    compacted(store)
    assert rows_of(LakeReader(tmp_path)) == [*range(18), 99]
    assert store.manifest.dropped == {"views": 2}
    commit(store, [99])
    compacted(store, HOUR_START_MS + HOUR_MS + STEADILY.late_ms)
    assert store.manifest.dropped == {"views": 3}
    store.close()


def test_feature_rows_are_all_kept(tmp_path: Path) -> None:
    store = LakeStore.open(tmp_path, LakeDisk(), OFFLINE)
    row = dict.fromkeys(OFFLINE["g"].names()) | {"ts_ms": HOUR_START_MS, "everything": 0}
    for _ in range(FILES):
        frame = pl.DataFrame([row], schema=OFFLINE["g"])
        store.commit(Addition({"g": frame}, {}, {}), HOUR_START_MS)
    compacted(store)
    assert [file.rows for file in store.manifest.files["g"]] == [FILES]
    assert store.manifest.dropped == {}
    store.close()


def test_whoever_reads_an_older_manifest_reads_on_for_the_grace_time(tmp_path: Path) -> None:
    store = written(tmp_path)
    reader = LakeReader(tmp_path)
    lazily = reader.scan("views")
    compacted(store)
    assert rows_of(reader) == sorted(lazily.collect()["event_id"].to_list()) == list(range(18))
    for i in range(KEPT_MANIFESTS):
        commit(store, [100 + i], CLOSED_MS + GRACE_MS - 1)
    assert rows_of(reader) == list(range(18))
    commit(store, [200], CLOSED_MS + GRACE_MS)
    with pytest.raises(Unavailable, match="is gone"):
        reader.scan("views")
    assert rows_of(LakeReader(tmp_path)) == [*range(18), *range(100, 105), 200]
    store.close()


def test_large_hours_keep_more_than_one_file(tmp_path: Path) -> None:
    store, policy = written(tmp_path), CompactionPolicy(file_rows=6)
    assert compacted(store, policy=policy) == 1
    assert {file.written_ms for file in store.manifest.files["views"]} == {HOUR_START_MS}
    assert sorted(file.rows for file in store.manifest.files["views"]) == [6, 6, 6]
    # Those that are full stay as they are.
    assert compacted(store, HOUR_START_MS + 100 * HOUR_MS, policy) == 0
    assert rows_of(LakeReader(tmp_path)) == list(range(18))
    store.close()


def test_a_damaged_file_is_named_and_its_hour_left_while_others_are_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = written(tmp_path)
    for i in range(FILES):
        commit(store, [1_000 + i])
    damaged = next(file for file in store.manifest.files["views"] if file.from_ms < HOUR_START_MS)
    (tmp_path / damaged.path).write_bytes(b"PAR1")
    assert compacted(store) == 1
    files = store.manifest.files["views"]
    assert sorted(file.rows for file in files) == [1] * FILES + [18]
    assert damaged in files
    assert damaged.path in capsys.readouterr().out
    store.close()


# -- killed ------------------------------------------------------------------------------------------


T = TypeVar("T")


class Killed(BaseException):
    """The process ended there."""


class DyingDisk(LakeDisk):
    """Ends the process before, or after, the n-th of the calls that change something."""

    def __init__(self, step: int, *, after: bool) -> None:
        self.left = step
        self._after = after

    def _step(self, call: Callable[[], T]) -> T:
        self.left -= 1
        if self.left == 0 and not self._after:
            raise Killed
        answer = call()
        if self.left == 0:
            raise Killed
        return answer

    def write_frame(self, path: Path, frame: pl.DataFrame) -> int:
        return self._step(lambda: LakeDisk.write_frame(self, path, frame))

    def write_bytes(self, path: Path, data: bytes) -> None:
        self._step(lambda: LakeDisk.write_bytes(self, path, data))

    def rename(self, source: Path, target: Path) -> None:
        self._step(lambda: LakeDisk.rename(self, source, target))

    def sync_dirs(self, directories: Iterable[Path]) -> None:
        self._step(lambda: LakeDisk.sync_dirs(self, directories))

    def remove(self, path: Path) -> None:
        self._step(lambda: LakeDisk.remove(self, path))


STEPS = 7
"""A file for each of two hours, their directories; the manifest's bytes, name and directory; an old one."""


@pytest.fixture(scope="module")
def two_hours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lake")
    store = written(root)
    for i in range(FILES):
        commit(store, [1_000 + i])
    store.close()
    return root


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_whatever_ends_it_where_every_row_is_there_once(
    two_hours: Path, tmp_path: Path, step: int, after: bool
) -> None:
    root = tmp_path / "lake"
    shutil.copytree(two_hours, root)
    expected = rows_of(LakeReader(root))
    store = LakeStore.open(root, DyingDisk(step, after=after))
    reader = LakeReader(root)
    with pytest.raises(Killed):
        compacted(store)
    store.close()
    # Who had the lake open reads on, and who opens it now reads the same.
    assert rows_of(reader) == expected
    assert rows_of(LakeReader(root)) == expected
    again = LakeStore.open(root, LakeDisk())
    compacted(again)
    assert rows_of(LakeReader(root)) == expected
    assert [file.rows for file in again.manifest.files["views"]] == [FILES, 2 * FILES]
    named = {file.path for files in again.manifest.files.values() for file in files}
    named |= {old.path for old in again.manifest.retired}
    assert {path.relative_to(root).as_posix() for path in root.glob("*/dt=*/hour=*/*")} == named
    again.close()
