"""The lake's next manifest in the making: what a commit or a compaction changes of the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import polars as pl

from stores.lake import LakeFile, LakeManifest, Retired
from stores.lake_tables import HOUR_MS


class Change:
    """The next manifest's files in the making."""

    def __init__(self, before: LakeManifest, number: int, now_ms: int) -> None:
        self.number = number
        self.now_ms = now_ms
        self.files = {table: list(named) for table, named in before.files.items()}
        self.retired = list(before.retired)
        self.dropped = dict(before.dropped)
        self.written: list[str] = []

    def replace(self, table: str, old: Sequence[LakeFile], new: LakeFile) -> None:
        gone = {file.path for file in old}
        self.retired += [Retired(file.path, self.number, self.now_ms) for file in old]
        self.files[table] = [file for file in self.files.get(table, []) if file.path not in gone]
        self.files[table].append(new)
        self.written.append(new.path)


def by_hour(frame: pl.DataFrame) -> list[tuple[int, pl.DataFrame]]:
    """The rows by whole hour of `ts_ms`, hours ascending."""
    hours = frame.with_columns((pl.col("ts_ms") // HOUR_MS).alias("_hour"))
    parts = hours.partition_by("_hour", as_dict=True, include_key=False)
    return sorted(((cast(int, key[0]), part) for key, part in parts.items()), key=lambda item: item[0])


def without_repetitions(rows: pl.DataFrame) -> pl.DataFrame:
    """Each row once: a relay may publish an event again, and an import may run twice.

    Feature rows have no event of their own, and are never written twice.
    """
    if "event_id" not in rows.columns:
        return rows
    plain = [name for name, dtype in rows.schema.items() if not dtype.is_nested()]
    return rows.unique(plain, keep="first", maintain_order=True)


def moved(
    before: Mapping[str, Mapping[int, int]], after: Mapping[str, Mapping[int, int]]
) -> dict[str, dict[int, int]]:
    return {topic: {**before.get(topic, {}), **after.get(topic, {})} for topic in sorted({*before, *after})}


def latest(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    merged = dict(before)
    for table, at_ms in after.items():
        merged[table] = max(merged.get(table, 0), at_ms)
    return merged
