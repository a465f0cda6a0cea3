"""The lake's one writer: files first, then the manifest that makes them count.

A commit is the rename of its manifest. Before it, new files are litter that the next start sweeps
away; after it, they and the offsets are the truth. Nothing in between can be seen.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
from stores.lake_change import Change, by_hour, latest, moved, without_repetitions
from stores.lake_disk import LakeDisk
from stores.lake_merging import Group, by_directory, mergeable
from stores.lake_tables import SCHEMAS, partition_dir

KEPT_MANIFESTS = 5
# Longer than any reader needs from opening the lake to having read it (KuaiRand: under a second).
GRACE_MS = 600_000

_logger = structlog.get_logger("lake")


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
        self._writing = threading.Lock()
        self._closed = False
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
        """Lets the next writer in, once a thread that writes just now has ended: whoever waited for it may
        have been cancelled."""
        with self._writing:
            self._closed = True
            self._disk.unlock(self._lock)

    def commit(self, addition: Addition, now_ms: int) -> LakeManifest:
        """Adds rows and moves the offsets, both or neither; durable when it returns.

        Frames have the columns of their tables' schemas. Raises Unavailable where the disk fails.
        """
        try:
            with self._turn():
                return self._commit(addition, now_ms)
        except (OSError, pl.exceptions.ComputeError) as exc:
            raise self._unavailable(exc) from exc

    def compact(self, groups: Sequence[Group], now_ms: int) -> LakeManifest:
        """Makes one file of each group's files, all or none; rows that are there twice are dropped.

        Readers that have opened the lake before go on reading the old files, which stay for the grace
        time. Raises Corrupt naming a file that cannot be read, Unavailable where the disk fails.
        """
        try:
            with self._turn():
                return self._compact(groups, now_ms)
        except (OSError, pl.exceptions.ComputeError) as exc:
            raise self._unavailable(exc) from exc

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._writing:
            if self._closed:
                raise Unavailable(f"the lake at {self._root} is closed")
            yield

    def _commit(self, addition: Addition, now_ms: int) -> LakeManifest:
        change = Change(self.manifest, self._number + 1, now_ms)
        for table, frame in addition.frames.items():
            schema = self._schemas[table]
            hours = by_directory(self.manifest.files.get(table, []))
            for hour, rows in by_hour(frame.select(schema.names()).cast(schema)):
                directory = partition_dir(table, hour)
                merged = mergeable(hours.get(directory, []), len(rows))
                try:
                    rows = pl.concat([*map(self._read, merged), rows], how="diagonal")
                except Corrupt as exc:
                    # What is new must not wait for a file that somebody has to restore.
                    _logger.error("lake_files_not_merged", error=str(exc))
                    merged = []
                self._write(change, table, directory, rows, merged, now_ms)
        return self._publish(
            change,
            moved(self.manifest.offsets, addition.offsets),
            latest(self.manifest.complete_until_ms, addition.complete_until_ms),
        )

    def _compact(self, groups: Sequence[Group], now_ms: int) -> LakeManifest:
        change = Change(self.manifest, self._number + 1, now_ms)
        for number, group in enumerate(groups):
            rows = pl.concat([self._read(file) for file in group.files], how="diagonal")
            once = without_repetitions(rows)
            change.dropped[group.table] = change.dropped.get(group.table, 0) + len(rows) - len(once)
            written_ms = max(file.written_ms for file in group.files)
            self._write(
                change, group.table, group.directory, once, group.files, written_ms, suffix=f"-{number}"
            )
        return self._publish(change, self.manifest.offsets, self.manifest.complete_until_ms)

    def _read(self, file: LakeFile) -> pl.DataFrame:
        path = self._root / file.path
        try:
            rows = pl.read_parquet(path, hive_partitioning=False)
        except (OSError, pl.exceptions.PolarsError) as exc:
            raise Corrupt(
                f"{path} cannot be read ({exc}). Restore it from a backup, or move the lake away: it is then "
                "written again from what the log still holds."
            ) from exc
        if len(rows) != file.rows:
            raise Corrupt(f"{path} has {len(rows)} rows, and was written with {file.rows}")
        return rows

    def _write(
        self,
        change: Change,
        table: str,
        directory: str,
        rows: pl.DataFrame,
        instead_of: Sequence[LakeFile],
        written_ms: int,
        suffix: str = "",
    ) -> None:
        """A new file in place of others; nothing counts before the manifest does."""
        path = f"{directory}/part-{change.number:012d}{suffix}.parquet"
        # Stable: the items of a page keep their order.
        rows = rows.sort(self._schemas[table].names()[:2], maintain_order=True)
        size = self._disk.write_frame(self._root / path, rows)
        ts_ms = rows["ts_ms"]
        new = LakeFile(path, len(rows), cast(int, ts_ms[0]), cast(int, ts_ms[-1]), size, written_ms)
        change.replace(table, instead_of, new)

    def _publish(
        self,
        change: Change,
        offsets: dict[str, dict[int, int]],
        complete_until_ms: dict[str, int],
    ) -> LakeManifest:
        number = change.number
        self._disk.sync_dirs(_directories_of([self._root / path for path in change.written], self._root))
        removable = [old for old in change.retired if self._may_go(old, number, change.now_ms)]
        manifest = LakeManifest(
            number=number,
            written_ms=change.now_ms,
            offsets=offsets,
            complete_until_ms=complete_until_ms,
            files=change.files,
            retired=[old for old in change.retired if old not in removable],
            dropped={table: rows for table, rows in change.dropped.items() if rows},
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

    def _unavailable(self, cause: Exception) -> Unavailable:
        return Unavailable(f"the lake at {self._root} did not take the write: {cause}")

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
            _logger.info("lake_swept", files=swept, manifest=self.manifest.number)


def _check_files(root: Path, manifest: LakeManifest) -> None:
    for named in manifest.files.values():
        for file in named:
            if not (root / file.path).exists():
                raise Corrupt(
                    f"{root / file.path} is missing, although manifest {manifest.number} names it. Restore "
                    "it from a backup, or move the lake away: it is then written again from what the log "
                    "still holds."
                )


def _directories_of(paths: list[Path], root: Path) -> list[Path]:
    """Every directory from the files up to the root, deepest first: a new one's name must last too."""
    found: set[Path] = set()
    for path in paths:
        for parent in path.parents:
            found.add(parent)
            if parent == root:
                break
    return sorted(found, key=lambda path: (-len(path.parts), path))
