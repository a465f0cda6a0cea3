"""The file operations that the lake's promises rest on: each returns once its effect survives a crash."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from core.errors import Unavailable

# Readers of a time range skip whole groups; 65,536 rows of a busy hour are some seconds to minutes.
ROW_GROUP_ROWS = 65_536


class LakeDisk:
    """A local file system. Every method may raise OSError."""

    def lock(self, path: Path) -> int:
        """Takes the only lock on `path`, held until `unlock` or the end of the process.

        Raises Unavailable where another process holds it.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            os.close(descriptor)
            raise Unavailable(f"another process writes this lake: it holds {path}") from exc
        return descriptor

    def unlock(self, descriptor: int) -> None:
        os.close(descriptor)

    def write_frame(self, path: Path, frame: pl.DataFrame) -> int:
        """Writes and syncs a Parquet file, returns its bytes; its name is only durable after `sync_dirs`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            frame.write_parquet(file, compression="zstd", statistics=True, row_group_size=ROW_GROUP_ROWS)
            file.flush()
            os.fsync(file.fileno())
            return file.tell()

    def write_bytes(self, path: Path, data: bytes) -> None:
        """Writes and syncs a file; its name is only durable after `sync_dirs`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def rename(self, source: Path, target: Path) -> None:
        """Atomic; replaces `target`. Durable after `sync_dirs`."""
        source.rename(target)

    def sync_dirs(self, directories: Iterable[Path]) -> None:
        """Makes the names in these directories durable."""
        for directory in directories:
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def remove(self, path: Path) -> None:
        """A file that is not there is fine."""
        path.unlink(missing_ok=True)
