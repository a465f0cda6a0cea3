"""What a lake holds, table by table, from its manifest alone."""

from __future__ import annotations

from pathlib import Path

import msgspec

from core.errors import Unavailable
from stores.lake import LakeFile, LakeManifest


class TableStats(msgspec.Struct, frozen=True):
    """Times in UTC milliseconds, None where there is none: of the oldest and newest row, and up to when
    the table has everything that was published. `dropped` rows stood twice, and compaction found them;
    `retired` files were merged into others and stay for those who still read them.
    """

    table: str
    rows: int
    files: int
    bytes: int
    first_ms: int | None
    last_ms: int | None
    complete_until_ms: int | None
    dropped: int
    retired: int


def table_stats(root: Path, manifest: LakeManifest, prefix: str = "") -> list[TableStats]:
    """Of every table of a manifest, by name, `prefix` before it. Raises Unavailable where a file is gone."""
    return [
        _of(root, manifest, table, prefix) for table in sorted({*manifest.files, *manifest.complete_until_ms})
    ]


def _of(root: Path, manifest: LakeManifest, table: str, prefix: str) -> TableStats:
    files = manifest.files.get(table, [])
    return TableStats(
        table=prefix + table,
        rows=sum(file.rows for file in files),
        files=len(files),
        bytes=sum(file.bytes or _bytes_on_disk(root, file) for file in files),
        first_ms=min((file.from_ms for file in files), default=None),
        last_ms=max((file.to_ms for file in files), default=None),
        complete_until_ms=manifest.complete_until_ms.get(table),
        dropped=manifest.dropped.get(table, 0),
        retired=sum(old.path.startswith(f"{table}/") for old in manifest.retired),
    )


def _bytes_on_disk(root: Path, file: LakeFile) -> int:
    try:
        return (root / file.path).stat().st_size
    except FileNotFoundError as exc:
        raise Unavailable(f"{root / file.path} is gone, although the manifest names it") from exc
