"""Compaction of some days of a lake: files before and after, what it costs, and what readers gain.

The days have the small files that commits by the second leave behind: thirty an hour and table. The
busy hour has served pages as a full writer commits them, 50,000 items at a time.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import structlog

from features.schema import FEATURES
from stores.lake import LakeReader, manifest_path
from stores.lake_compaction import LakeCompaction
from stores.lake_disk import LakeDisk
from stores.lake_merging import STEADILY
from stores.lake_store import Addition, LakeStore
from stores.lake_tables import HOUR_MS, SCHEMAS

START_MS = 1_700_000_000_000 // HOUR_MS * HOUR_MS
DAYS = 3
COMMITS = (100,) * 15 + (3,) * 15
"""Rows a table and hour of each commit: as many of a size class as are not merged at once."""
BUSY_COMMITS, BUSY_ROWS = 12, 50_000


def rows(table: str, n: int, at_ms: pl.Expr, first_id: int) -> pl.DataFrame:
    """n rows of a table; of served ones with features that do not compress."""
    schema = SCHEMAS[table]
    frame = (
        schema.to_frame().clear(n).with_columns(ts_ms=at_ms, event_id=pl.int_range(first_id, first_id + n))
    )
    if table == "served":
        frame = frame.with_columns(features=pl.Series(_noise(n), dtype=pl.Binary()))
    return frame


def _noise(n: int) -> list[bytes]:
    width = 4 * len(FEATURES)
    noise = np.random.default_rng(n).bytes(n * width)
    return [noise[i * width : (i + 1) * width] for i in range(n)]


def days(root: Path) -> LakeStore:
    store, next_id = LakeStore.open(root, LakeDisk()), 0
    for day in range(DAYS):
        for n in COMMITS:
            every = 24 * n
            hours = pl.int_range(every) % 24 * HOUR_MS + START_MS + day * 24 * HOUR_MS
            at_ms = hours + pl.int_range(every) * 37 % HOUR_MS
            frames = {table: rows(table, every, at_ms, next_id) for table in ("served", "views", "edges")}
            store.commit(Addition(frames, {}, {}), START_MS)
            next_id += every
    return store


def busy_hour(root: Path) -> LakeStore:
    store = LakeStore.open(root, LakeDisk())
    for i in range(BUSY_COMMITS):
        at_ms = START_MS + pl.int_range(BUSY_ROWS) * 71 % HOUR_MS
        store.commit(Addition({"served": rows("served", BUSY_ROWS, at_ms, i * BUSY_ROWS)}, {}, {}), START_MS)
    return store


def measure(name: str, make: Callable[[Path], LakeStore]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        store = make(root)
        before, read_before_s = _files(store), _read_s(root)
        manifest_before = manifest_path(root, store.manifest.number).stat().st_size
        compaction = LakeCompaction(store, STEADILY)
        began_s, began_cpu_s, steps = time.perf_counter(), _cpu_s(), 0
        now_ms = START_MS + (DAYS + 2) * 24 * HOUR_MS
        while compaction.step(now_ms) is not None:
            steps += 1
        took_s, cpu_s = time.perf_counter() - began_s, _cpu_s() - began_cpu_s
        store.close()
        again = LakeStore.open(root, LakeDisk())
        # The old files and their names go with a commit after the grace time.
        for _ in range(6):
            now_ms += HOUR_MS
            again.commit(Addition({}, {"none": {0: now_ms}}, {}), now_ms)
        manifest_after = manifest_path(root, again.manifest.number).stat().st_size
        total = sum(file.rows for files in again.manifest.files.values() for file in files)
        print(
            f"{name}: {total:,} rows, {before:,} files -> {_files(again):,} in {steps} steps, {took_s:.1f} s "
            f"({cpu_s:.1f} s CPU); manifest {manifest_before:,} -> {manifest_after:,} bytes; all "
            f"rows counted in {read_before_s:.2f} -> {_read_s(root):.2f} s; "
            f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB"
        )
        again.close()


def _files(store: LakeStore) -> int:
    return sum(map(len, store.manifest.files.values()))


def _read_s(root: Path) -> float:
    reader = LakeReader(root)
    began_s = time.perf_counter()
    for table in reader.manifest.files:
        reader.scan(table).select(pl.col("event_id").n_unique()).collect()
    return time.perf_counter() - began_s


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


MAKERS = {"three days": days, "a busy hour": busy_hour}


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    # Each in a process of its own, whose peak is its own.
    for name in sys.argv[1:] or MAKERS:
        if sys.argv[1:]:
            measure(name, MAKERS[name])
        else:
            subprocess.run([sys.executable, "-m", "bench.lake_compaction", name], check=True)


if __name__ == "__main__":
    main()
