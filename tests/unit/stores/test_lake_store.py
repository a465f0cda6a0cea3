"""The lake's files: what a commit promises, what a reader sees, what damage does."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import polars as pl
import pytest

from core.errors import ConfigurationError, Corrupt, Unavailable, UnknownVersion
from stores.lake import LakeReader, decode_manifest, encode_manifest, manifest_numbers, manifest_path
from stores.lake_disk import LakeDisk
from stores.lake_merging import MERGE_AT_FILES
from stores.lake_store import GRACE_MS, KEPT_MANIFESTS, Addition, LakeStore
from stores.lake_tables import HOUR_MS, SCHEMAS, partition_dir

NOW_MS = 1_700_000_000_000
HOUR_START_MS = NOW_MS - NOW_MS % HOUR_MS


def views(ids: Iterable[int], ts_ms: int = NOW_MS) -> pl.DataFrame:
    rows = [(ts_ms + i, i, 1, "ab", 10, 20, "seen", 0, 0, "") for i in ids]
    return pl.DataFrame(rows, schema=SCHEMAS["views"], orient="row")


def addition(ids: Iterable[int], next_: int, ts_ms: int = NOW_MS) -> Addition:
    return Addition({"views": views(ids, ts_ms)}, {"views.v1": {0: next_}}, {"views": ts_ms})


def event_ids(root: Path) -> list[int]:
    return sorted(LakeReader(root).scan("views").collect()["event_id"].to_list())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def store(root: Path) -> Iterator[LakeStore]:
    store = LakeStore.open(root, LakeDisk())
    yield store
    store.close()


class SlowDisk(LakeDisk):
    """Writes a frame once it may."""

    def __init__(self) -> None:
        self.writing, self.may_write = threading.Event(), threading.Event()

    def write_frame(self, path: Path, frame: pl.DataFrame) -> int:
        self.writing.set()
        assert self.may_write.wait(30)
        return super().write_frame(path, frame)


class FailingDisk(LakeDisk):
    """A disk on which one kind of call fails."""

    def __init__(self, fails: str) -> None:
        self._fails = fails

    def write_frame(self, path: Path, frame: pl.DataFrame) -> int:
        size = super().write_frame(path, frame)
        if self._fails == "write_frame":
            raise OSError(28, "No space left on device")
        return size

    def rename(self, source: Path, target: Path) -> None:
        if self._fails == "rename":
            raise OSError(5, "Input/output error")
        super().rename(source, target)


def test_a_commit_is_read_back_with_its_offsets_and_times(store: LakeStore, root: Path) -> None:
    store.commit(addition(range(5), 5), NOW_MS)
    reader = LakeReader(root)
    assert reader.scan("views").collect().sort("event_id").equals(views(range(5)))
    assert reader.manifest.offsets == {"views.v1": {0: 5}}
    assert reader.complete_until_ms("views") == NOW_MS
    assert reader.complete_until_ms("edges") == 0
    assert reader.scan("edges").collect().schema == SCHEMAS["edges"]


def test_offsets_and_times_only_move_forward_where_they_are_named(store: LakeStore) -> None:
    store.commit(Addition({}, {"views.v1": {0: 5, 1: 7}}, {"views": 50}), NOW_MS)
    manifest = store.commit(Addition({}, {"views.v1": {1: 9}, "edges.v1": {3: 1}}, {"views": 40}), NOW_MS)
    assert manifest.offsets == {"views.v1": {0: 5, 1: 9}, "edges.v1": {3: 1}}
    assert manifest.complete_until_ms == {"views": 50}


def test_rows_lie_in_the_directory_of_their_hour(store: LakeStore, root: Path) -> None:
    frame = pl.concat([views([1], HOUR_START_MS - 2), views([2], HOUR_START_MS)])
    manifest = store.commit(Addition({"views": frame}, {}, {}), NOW_MS)
    first, second = manifest.files["views"]
    assert first.path == "views/dt=2023-11-14/hour=21/part-000000000001.parquet"
    assert second.path == "views/dt=2023-11-14/hour=22/part-000000000001.parquet"
    assert (first.from_ms, first.to_ms, first.rows) == (HOUR_START_MS - 1, HOUR_START_MS - 1, 1)


def test_the_first_hour_has_a_directory_too() -> None:
    assert partition_dir("views", 0) == "views/dt=1970-01-01/hour=00"


def test_scan_takes_rows_of_a_half_open_time_range(store: LakeStore, root: Path) -> None:
    store.commit(addition(range(10), 10), NOW_MS)
    taken = LakeReader(root).scan("views", from_ms=NOW_MS + 3, to_ms=NOW_MS + 6).collect()
    assert sorted(taken["event_id"]) == [3, 4, 5]
    assert LakeReader(root).scan("views", from_ms=NOW_MS + HOUR_MS * 5).collect().is_empty()


def test_a_reader_keeps_seeing_its_own_snapshot(store: LakeStore, root: Path) -> None:
    store.commit(addition([1], 1), NOW_MS)
    reader = LakeReader(root)
    for i in range(2, 3 * MERGE_AT_FILES):
        store.commit(addition([i], i), NOW_MS + i)
    assert reader.scan("views").collect()["event_id"].to_list() == [1]
    assert len(LakeReader(root).scan("views").collect()) == 3 * MERGE_AT_FILES - 1


def test_small_files_of_an_hour_are_merged_and_go_after_their_grace(store: LakeStore, root: Path) -> None:
    for i in range(MERGE_AT_FILES):
        manifest = store.commit(addition([i], i), NOW_MS)
    assert len(manifest.files["views"]) == 1
    assert len(manifest.retired) == MERGE_AT_FILES - 1
    assert event_ids(root) == list(range(MERGE_AT_FILES))
    later_ms = NOW_MS + GRACE_MS
    for i in range(KEPT_MANIFESTS):
        # Old enough at once, but a kept manifest may still be the one to fall back to.
        assert len(list(root.glob("views/*/*/*.parquet"))) == MERGE_AT_FILES
        manifest = store.commit(Addition({}, {"views.v1": {0: 100 + i}}, {}), later_ms)
        if not manifest.retired:
            break
    assert [path.name for path in root.glob("views/*/*/*.parquet")] == ["part-000000000016.parquet"]
    assert event_ids(root) == list(range(MERGE_AT_FILES))


def test_merging_cascades_so_that_files_stay_few(store: LakeStore, root: Path) -> None:
    for i in range(MERGE_AT_FILES**2):
        manifest = store.commit(addition([i], i), NOW_MS)
        # 15 of one row and 15 of sixteen are the most that may stand before all become one.
        assert len(manifest.files["views"]) <= 2 * (MERGE_AT_FILES - 1)
    assert [file.rows for file in manifest.files["views"]] == [MERGE_AT_FILES**2]
    assert event_ids(root) == list(range(MERGE_AT_FILES**2))


def test_only_the_last_manifests_are_kept(store: LakeStore, root: Path) -> None:
    for i in range(9):
        store.commit(addition([i], i), NOW_MS)
    assert manifest_numbers(root) == [9, 8, 7, 6, 5]


@pytest.mark.parametrize("fails", ["write_frame", "rename"])
def test_a_failed_commit_changes_nothing_and_leaves_nothing_after_a_restart(root: Path, fails: str) -> None:
    store = LakeStore.open(root, LakeDisk())
    store.commit(addition([1], 1), NOW_MS)
    store.close()
    failing = LakeStore.open(root, FailingDisk(fails))
    with pytest.raises(Unavailable, match="did not take the write"):
        failing.commit(addition([2], 2), NOW_MS)
    failing.close()
    assert event_ids(root) == [1]
    again = LakeStore.open(root, LakeDisk())
    assert len(list(root.glob("views/*/*/*"))) == 1
    again.commit(addition([2], 2), NOW_MS)
    again.close()
    assert event_ids(root) == [1, 2]


def test_a_second_writer_is_refused(store: LakeStore, root: Path) -> None:
    with pytest.raises(Unavailable, match="another process writes this lake"):
        LakeStore.open(root, LakeDisk())


def test_a_damaged_newest_manifest_falls_back_and_its_number_is_not_used_again(root: Path) -> None:
    store = LakeStore.open(root, LakeDisk())
    store.commit(addition([1], 1), NOW_MS)
    store.commit(addition([2], 2), NOW_MS)
    store.close()
    path = manifest_path(root, 2)
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    assert event_ids(root) == [1]
    again = LakeStore.open(root, LakeDisk())
    assert again.manifest.offsets == {"views.v1": {0: 1}}
    assert again.commit(addition([2], 2), NOW_MS).number == 3
    again.close()
    assert event_ids(root) == [1, 2]


def test_a_lake_without_a_valid_manifest_is_refused(store: LakeStore, root: Path) -> None:
    store.commit(addition([1], 1), NOW_MS)
    manifest_path(root, 1).write_bytes(b"{}")
    with pytest.raises(Corrupt, match="move the directory away"):
        LakeReader(root)


def test_a_newer_manifest_is_refused_and_not_fallen_back_from(store: LakeStore, root: Path) -> None:
    store.commit(addition([1], 1), NOW_MS)
    manifest_path(root, 2).write_bytes(b'{"lake": 2, "sealed": "otherwise"}')
    with pytest.raises(UnknownVersion, match="Install the rankfeed that wrote it"):
        LakeReader(root)


def test_a_missing_file_is_named(root: Path) -> None:
    store = LakeStore.open(root, LakeDisk())
    store.commit(addition([1], 1), NOW_MS)
    store.close()
    reader = LakeReader(root)
    (path,) = root.glob("views/*/*/*")
    path.unlink()
    with pytest.raises(Unavailable, match="is gone"):
        reader.scan("views")
    with pytest.raises(Corrupt, match="is missing"):
        LakeStore.open(root, LakeDisk())


def test_a_file_that_was_cut_is_named(store: LakeStore, root: Path) -> None:
    store.commit(addition([1], 1), NOW_MS)
    (path,) = root.glob("views/*/*/*")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(Corrupt, match=r"part-0+1\.parquet has \d+ bytes, and was written with"):
        LakeReader(root).scan("views")


def test_a_damaged_file_is_left_as_it_is_and_what_is_new_is_written(store: LakeStore, root: Path) -> None:
    for i in range(MERGE_AT_FILES - 1):
        store.commit(addition([i], i), NOW_MS)
    damaged = root / store.manifest.files["views"][3].path
    size = damaged.stat().st_size
    damaged.write_bytes(b"\0" * size)
    manifest = store.commit(addition([99], 99), NOW_MS)
    assert len(manifest.files["views"]) == MERGE_AT_FILES
    assert manifest.offsets == {"views.v1": {0: 99}}


def test_no_lake_says_how_to_make_one(root: Path) -> None:
    with pytest.raises(ConfigurationError, match="rankfeed up"):
        LakeReader(root)


def test_columns_younger_than_a_file_are_null(store: LakeStore, root: Path) -> None:
    store.commit(addition([1], 1), NOW_MS)
    (path,) = root.glob("views/*/*/*")
    old = pl.read_parquet(path, hive_partitioning=False).drop("position").with_columns(gone=pl.lit(1))
    old.write_parquet(path)
    reader = LakeReader(root)
    (file,) = reader.manifest.files["views"]
    # Of before sizes were written down.
    reader.manifest.files["views"] = [msgspec.structs.replace(file, bytes=0)]
    frame = reader.scan("views").collect()
    assert frame.columns == SCHEMAS["views"].names()
    assert frame["position"].to_list() == [None]


def test_a_manifest_survives_its_encoding(store: LakeStore) -> None:
    manifest = store.commit(addition([1], 1), NOW_MS)
    assert decode_manifest(encode_manifest(manifest)) == manifest
    with pytest.raises(Corrupt):
        decode_manifest(msgspec.json.encode({"lake": 1, "sha256": "00", "body": {}}))


def test_the_next_writer_waits_for_a_thread_that_nobody_waits_for_any_more(root: Path) -> None:
    disk = SlowDisk()
    store = LakeStore.open(root, disk)
    with ThreadPoolExecutor(2) as threads:
        committing = threads.submit(store.commit, addition([1], 10), NOW_MS)
        assert disk.writing.wait(30)
        closing = threads.submit(store.close)
        with pytest.raises(Unavailable):
            LakeStore.open(root, LakeDisk())
        disk.may_write.set()
        assert committing.result(30).number == 1
        closing.result(30)
    with pytest.raises(Unavailable, match="closed"):
        store.commit(addition([2], 20), NOW_MS)
    following = LakeStore.open(root, LakeDisk())
    assert following.manifest.number == 1
    following.close()
    assert event_ids(root) == [1]
