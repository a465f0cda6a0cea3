"""The stream's file from the offline source: where the file was lost, or is an older copy.

The source names the offsets of the log beside the chunks, so its newest rows and the place in the
log belong together: from there on the log makes the same rows again. What was counted goes with the
file; of events that had been counted already, those that are published once more count once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl

from core.errors import Corrupt
from eventlog.log import TopicPartition
from features.accumulate import PackedRow
from features.packed_row import FORMAT, MAGIC, row_bytes, row_dtype
from features.schema import VIEWS, View
from pipelines.offline_queue import Place, Progress
from stores.lake import LakeManifest, LakeReader

SOURCE = "chunks"
"""What the source's manifest counts as a topic of one partition; the others are the log's."""
_REACHED = " reached"


class Recovered(NamedTuple):
    """Where the source stands: the next chunk, a time after all that it has, and the place in the log."""

    next: int
    created_us: int
    progress: Progress


def next_chunk(manifest: LakeManifest) -> int:
    """The number of the first chunk that the source does not have."""
    return manifest.offsets.get(SOURCE, {}).get(0, 1)


def as_offsets(next_: int, progress: Progress) -> dict[str, dict[int, int]]:
    """For the manifest: the next chunk, and by topic what `recovered` reads."""
    offsets: dict[str, dict[int, int]] = {SOURCE: {0: next_}}
    for (topic, partition), place in progress.items():
        offsets.setdefault(topic, {})[partition] = place.next
        offsets.setdefault(topic + _REACHED, {})[partition] = place.reached_ms
    return offsets


def recovered(manifest: LakeManifest) -> Recovered | None:
    """None for a source that does not say where in the log it stands."""
    progress = {
        TopicPartition(topic, partition): Place(
            next_, manifest.offsets.get(topic + _REACHED, {}).get(partition, 0)
        )
        for topic, nexts in manifest.offsets.items()
        if topic != SOURCE and not topic.endswith(_REACHED)
        for partition, next_ in nexts.items()
    }
    created_us = (max(manifest.complete_until_ms.values(), default=0) + 1) * 1_000
    return Recovered(next_chunk(manifest), created_us, progress) if progress else None


def newest_rows(reader: LakeReader) -> Iterator[PackedRow]:
    """Every entity's newest row that has not expired, under today's schema; views one after the other.

    Raises Unavailable where a file of the source is gone, Corrupt where one cannot be read.
    """
    for view in VIEWS.values():
        keys = list(view.keys)
        try:
            rows = reader.scan(view.name).sort("chunk").unique(subset=keys, keep="last").collect()
        except (OSError, pl.exceptions.PolarsError) as exc:
            raise Corrupt(
                f"the feature rows of {view.name} in the lake cannot be read ({exc}). Restore lake/features "
                "from a backup, or move it away: rows then begin with what the log still holds."
            ) from exc
        rows = rows.filter(pl.col("ts_ms") >= pl.col("ts_ms").max() - view.ttl_s * 1_000)
        yield from _packed(rows, view)


def _packed(rows: pl.DataFrame, view: View) -> Iterator[PackedRow]:
    table = np.zeros(len(rows), row_dtype(view.width))
    table["magic"], table["format"], table["schema_id"] = MAGIC, FORMAT, view.schema_id
    table["event_ts_s"] = rows["ts_ms"].to_numpy() // 1_000
    table["seq"] = rows["seq"].to_numpy()
    for i, field in enumerate(view.fields):
        # Null where the row is older than the field.
        table["values"][:, i] = rows[field.name].fill_null(field.default).to_numpy()
    raw, size = table.tobytes(), row_bytes(view)
    owners = zip(*(rows[key].to_list() for key in view.keys), strict=True)
    for i, owner in enumerate(owners):
        whose = owner if len(owner) == 2 else owner[0]
        yield PackedRow(view.name, whose, raw[i * size : (i + 1) * size])
