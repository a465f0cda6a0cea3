"""Which of the lake's files are written together: few files, and no row rewritten often.

While an hour is written, files of one size class (a power of 16 rows) are merged at 16 of them, with
the commit that brings the sixteenth. Once it is over, compaction leaves one file of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from stores.lake import LakeFile, LakeManifest
from stores.lake_tables import HOUR_MS

# A writer that commits every second makes 3,600 files an hour and table; a row is rewritten once a class,
# so at most four times, and an hour that is being written is left with some dozens of files.
MERGE_AT_FILES = 16
MERGE_BELOW_ROWS = 50_000
COMPACT_ROWS = 200_000
"""The most that compaction puts into one file, and holds in memory at once: of served items 0.4 GB."""


@dataclass(frozen=True, slots=True)
class CompactionPolicy:
    """When an hour of event time is worth compacting.

    It is closed `settle_ms` after its end, if nothing was written to it for as long. Clients report
    for a day after they were served: what comes late makes small files again, so an hour that has
    fewer than `few_files` waits until `late_ms` after its end, when there is nothing more to come
    but an import. A file has at most `file_rows`.
    """

    settle_ms: int = 600_000
    few_files: int = 8
    late_ms: int = 25 * HOUR_MS
    file_rows: int = COMPACT_ROWS


STEADILY = CompactionPolicy()
AT_ONCE = CompactionPolicy(few_files=2, settle_ms=0)
"""Every hour that is over, whoever wrote to it last."""


class Group(NamedTuple):
    """Files of one table and hour that are to be one; their directory is below the root."""

    table: str
    directory: str
    files: tuple[LakeFile, ...]

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)


def mergeable(files: Sequence[LakeFile], new_rows: int) -> list[LakeFile]:
    """Those of an hour's files that new rows should be written with; what that makes may call for more."""
    merged: list[LakeFile] = []
    rows = new_rows
    while True:
        peers = [
            file
            for file in files
            if file.rows < MERGE_BELOW_ROWS
            and file not in merged
            and _size_class(file.rows) == _size_class(rows)
        ]
        if rows >= MERGE_BELOW_ROWS or len(peers) + 1 < MERGE_AT_FILES:
            return merged
        merged += peers
        rows += sum(file.rows for file in peers)


def compactable(manifest: LakeManifest, policy: CompactionPolicy, now_ms: int) -> Iterator[Group]:
    """What is worth merging now, the oldest hours of each table first."""
    for table, named in manifest.files.items():
        for directory, files in sorted(by_directory(named).items()):
            if _is_due(files, policy, now_ms):
                for part in _parts(files, policy.file_rows):
                    yield Group(table, directory, part)


def by_directory(files: Iterable[LakeFile]) -> dict[str, list[LakeFile]]:
    found: dict[str, list[LakeFile]] = {}
    for file in files:
        found.setdefault(file.directory, []).append(file)
    return found


def _is_due(files: list[LakeFile], policy: CompactionPolicy, now_ms: int) -> bool:
    end_ms = (files[0].from_ms // HOUR_MS + 1) * HOUR_MS
    quiet_since_ms = max(end_ms, *(file.written_ms for file in files))
    if len(files) < 2 or now_ms < quiet_since_ms + policy.settle_ms:
        return False
    return len(files) >= policy.few_files or now_ms >= end_ms + policy.late_ms


def _parts(files: list[LakeFile], most_rows: int) -> Iterator[tuple[LakeFile, ...]]:
    """Runs of files, by time, that make at most `most_rows` together; a single one is left as it is."""
    part: list[LakeFile] = []
    rows = 0
    for file in sorted(files, key=lambda file: (file.from_ms, file.path)):
        if part and rows + file.rows > most_rows:
            if len(part) > 1:
                yield tuple(part)
            part, rows = [], 0
        part.append(file)
        rows += file.rows
    if len(part) > 1:
        yield tuple(part)


def _size_class(rows: int) -> int:
    """0 for 1 to 15 rows, 1 up to 255, 2 up to 4,095, …"""
    return (rows.bit_length() - 1) // 4
