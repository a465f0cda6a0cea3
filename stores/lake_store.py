"""The lake's one writer: files first, then the manifest that makes them count.

A commit is the rename of its manifest. Before it, new files are litter that the next start sweeps
away; after it, they and the offsets are the truth. Nothing in between can be seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, cast

import polars as pl
import structlog

from core.errors import Corrupt, Unavailable
from stores.lake import (
    LakeFile,
    LakeManifest,
    Retired,
    encode_manifest,
    manifest_dir,
    manifest_numbers,
    manifest_path,
    newest_manifest,
)
from stores.lake_disk import LakeDisk
from stores.lake_tables import HOUR_MS, SCHEMAS, partition_dir

KEPT_MANIFESTS = 5
# A writer that commits every second makes 3,600 files an hour and table. Files of an hour that are
# of one size class (a power of 16 rows) are merged at 16: a row is rewritten once a class, so at
# most four times, and an hour is left with some dozens of files.
MERGE_AT_FILES = 16
MERGE_BELOW_ROWS = 50_000
# Longer than any reader needs from opening the lake to having read it (KuaiRand: under a second).
GRACE_MS = 600_000


class Addition(NamedTuple):
    """What one commit adds: rows by table, the offsets that come next, and how far that is complete.

    Offsets and times replace those of the manifest where they are named and leave the others.
    """

    frames: Mapping[str, pl.DataFrame]
    offsets: Mapping[str, Mapping[int, int]]
    complete_until_ms: Mapping[str, int]


class LakeStore:
    """Holds the lake's lock from `open` to `close`. Not safe for use by several threads at once.

    The first column of each of its `schemas` is `ts_ms`; rows are sorted by the first two.

    After an Unavailable from `commit` the outcome is not known: close it, open it again, and go on
    from what `manifest` then says.
    """

    def __init__(
        self,
        root: Path,
        disk: LakeDisk,
        schemas: Mapping[str, pl.Schema],
        manifest: LakeManifest,
        lock: int,
        number: int,
    ) -> None:
        self._root = root
        self._schemas = schemas
        self._disk = disk
        self._lock = lock
        self._number = number
        self.manifest = manifest

    @classmethod
    def open(cls, root: Path, disk: LakeDisk, schemas: Mapping[str, pl.Schema] = SCHEMAS) -> LakeStore:
        """Takes the lock, reads the newest manifest and removes files that nothing names.

        Raises Unavailable where another process writes or the disk fails, Corrupt where no manifest
        is valid or a named file is missing, UnknownVersion for a newer rankfeed's lake.
        """
        try:
            lock = disk.lock(root / "writer.lock")
            try:
                manifest = newest_manifest(root) or LakeManifest(number=0, written_ms=0)
                _check_files(root, manifest)
                # Never the number of a damaged manifest again: its files' names would come back.
                number = max([manifest.number, *manifest_numbers(root)])
                store = cls(root, disk, schemas, manifest, lock, number)
                store._sweep()
            except BaseException:
                disk.unlock(lock)
                raise
        except OSError as exc:
            raise Unavailable(f"the lake at {root} cannot be opened: {exc}") from exc
        return store

    def close(self) -> None:
        self._disk.unlock(self._lock)

    def commit(self, addition: Addition, now_ms: int) -> LakeManifest:
        """Adds rows and moves the offsets, both or neither; durable when it returns.

        Frames have the columns of their tables' schemas. Raises Unavailable where the disk fails.
        """
        try:
            return self._commit(addition, now_ms)
        except (OSError, pl.exceptions.ComputeError) as exc:
            raise Unavailable(f"the lake at {self._root} did not take the write: {exc}") from exc

    def _commit(self, addition: Addition, now_ms: int) -> LakeManifest:
        number = self._number + 1
        files = {table: list(named) for table, named in self.manifest.files.items()}
        retired = list(self.manifest.retired)
        written: list[Path] = []
        for table, frame in addition.frames.items():
            schema = self._schemas[table]
            for hour, rows in _by_hour(frame.select(schema.names()).cast(schema)):
                directory = partition_dir(table, hour)
                named = files.setdefault(table, [])
                merged = _mergeable(named, directory, len(rows))
                if merged:
                    before = [
                        pl.read_parquet(self._root / file.path, hive_partitioning=False) for file in merged
                    ]
                    rows = pl.concat([*before, rows], how="diagonal")
                    retired += [Retired(file.path, number, now_ms) for file in merged]
                    files[table] = named = [file for file in named if file not in merged]
                path = f"{directory}/part-{number:012d}.parquet"
                rows = rows.sort(schema.names()[:2])
                self._disk.write_frame(self._root / path, rows)
                written.append(self._root / path)
                ts_ms = rows["ts_ms"]
                named.append(LakeFile(path, len(rows), cast(int, ts_ms[0]), cast(int, ts_ms[-1])))
        self._disk.sync_dirs(_directories_of(written, self._root))
        removable = [old for old in retired if self._may_go(old, number, now_ms)]
        manifest = LakeManifest(
            number=number,
            written_ms=now_ms,
            offsets=_moved(self.manifest.offsets, addition.offsets),
            complete_until_ms=_latest(self.manifest.complete_until_ms, addition.complete_until_ms),
            files=files,
            retired=[old for old in retired if old not in removable],
        )
        draft = manifest_dir(self._root) / ".draft"
        self._disk.write_bytes(draft, encode_manifest(manifest))
        self._disk.rename(draft, manifest_path(self._root, number))
        self._disk.sync_dirs([manifest_dir(self._root), self._root])
        self.manifest, self._number = manifest, number
        for old in removable:
            self._disk.remove(self._root / old.path)
        for past in manifest_numbers(self._root)[KEPT_MANIFESTS:]:
            self._disk.remove(manifest_path(self._root, past))
        return manifest

    def _may_go(self, old: Retired, number: int, now_ms: int) -> bool:
        """True where no kept manifest names the file any more, and no reader can be at it."""
        return now_ms - old.at_ms >= GRACE_MS and number - KEPT_MANIFESTS + 1 >= old.number

    def _sweep(self) -> None:
        known = {file.path for named in self.manifest.files.values() for file in named}
        known |= {old.path for old in self.manifest.retired}
        swept = 0
        for table in self._schemas:
            for path in (self._root / table).glob("dt=*/hour=*/*.parquet"):
                if path.relative_to(self._root).as_posix() not in known:
                    self._disk.remove(path)
                    swept += 1
        if swept:
            structlog.get_logger("lake").info("lake_swept", files=swept, manifest=self.manifest.number)


def _check_files(root: Path, manifest: LakeManifest) -> None:
    for named in manifest.files.values():
        for file in named:
            if not (root / file.path).exists():
                raise Corrupt(
                    f"{root / file.path} is missing, although manifest {manifest.number} names it. Restore "
                    "it from a backup, or move the lake away: it is then written again from what the log "
                    "still holds."
                )


def _mergeable(named: list[LakeFile], directory: str, new_rows: int) -> list[LakeFile]:
    """The files that the new rows should be written together with; what that makes may call for more."""
    merged: list[LakeFile] = []
    rows = new_rows
    while True:
        peers = [
            file
            for file in named
            if file.rows < MERGE_BELOW_ROWS
            and file.path.startswith(f"{directory}/")
            and file not in merged
            and _size_class(file.rows) == _size_class(rows)
        ]
        if rows >= MERGE_BELOW_ROWS or len(peers) + 1 < MERGE_AT_FILES:
            return merged
        merged += peers
        rows += sum(file.rows for file in peers)


def _size_class(rows: int) -> int:
    """0 for 1 to 15 rows, 1 up to 255, 2 up to 4,095, …"""
    return (rows.bit_length() - 1) // 4


def _by_hour(frame: pl.DataFrame) -> list[tuple[int, pl.DataFrame]]:
    """The rows by whole hour of `ts_ms`, hours ascending."""
    hours = frame.with_columns((pl.col("ts_ms") // HOUR_MS).alias("_hour"))
    parts = hours.partition_by("_hour", as_dict=True, include_key=False)
    return sorted(((cast(int, key[0]), part) for key, part in parts.items()), key=lambda item: item[0])


def _directories_of(paths: list[Path], root: Path) -> list[Path]:
    """Every directory from the files up to the root, deepest first: a new one's name must last too."""
    found: set[Path] = set()
    for path in paths:
        for parent in path.parents:
            found.add(parent)
            if parent == root:
                break
    return sorted(found, key=lambda path: (-len(path.parts), path))


def _moved(
    before: Mapping[str, Mapping[int, int]], after: Mapping[str, Mapping[int, int]]
) -> dict[str, dict[int, int]]:
    return {topic: {**before.get(topic, {}), **after.get(topic, {})} for topic in sorted({*before, *after})}


def _latest(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    merged = dict(before)
    for table, at_ms in after.items():
        merged[table] = max(merged.get(table, 0), at_ms)
    return merged
