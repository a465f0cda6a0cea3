"""A canary: one event more, at t, changes no row that was there before t, bit by bit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from core.ids import compose_id
from eventlog.schema import Viewed, record_of
from eventlog.sqlite_log import SqliteEventLog
from features.compute import matrix
from features.moments import Moments
from features.offline_rows import DIRECTORY, OFFLINE
from features.row_block import RowBlock
from features.schema import VIEWS, ViewName
from stores.lake import LakeReader
from stores.ports import OutboxRecord
from stores.sqlite import open_facts, open_telemetry
from tests.fakes import FakeClock
from tests.integration.features_offline_process import PARTITIONS, stream
from tests.integration.test_features_offline import EVENTS, NOW_MS, events

HOUR_MS = 3_600_000
AT = EVENTS // 2
ARRIVED_MS = NOW_MS + AT * 27_000 - 1_000
"""When the canary arrives: a second before event number AT."""
VIEWER, TWEET, AUTHOR = 3, 102, 10
"""Whose rows change all the time."""


def canary(ts_ms: int) -> OutboxRecord:
    event = Viewed(VIEWER, b"canary", TWEET, AUTHOR, "click")
    return record_of(event, id=compose_id(ARRIVED_MS, 2, 2, 0), ts_ms=ts_ms, key=VIEWER)


async def count(home: Path, records: Sequence[OutboxRecord]) -> None:
    """A stream there counts these."""
    facts, telemetry = open_facts(home / "facts.db"), open_telemetry(home / "telemetry.db")
    clock = FakeClock(NOW_MS + EVENTS * 27_000)
    await SqliteEventLog(facts, telemetry, clock, PARTITIONS).append(records)
    facts.close()
    telemetry.close()
    await stream(home, None)


def versions(home: Path, view: ViewName) -> pl.DataFrame:
    """Every version of every row of the view, but for the numbers of its chunks."""
    frame = LakeReader(home / "lake" / DIRECTORY, OFFLINE).scan(view).drop("chunk").collect()
    return frame.sort("created", *VIEWS[view].keys)


def served_at(frames: dict[ViewName, pl.DataFrame], at_ms: int) -> bytes:
    """The model's inputs for the canary's viewer and tweet, from the rows that were there at a moment."""
    owners: dict[ViewName, tuple[int, ...]] = {
        "g": (0,),
        "u": (VIEWER,),
        "a": (AUTHOR,),
        "t": (TWEET,),
        "va": (VIEWER, AUTHOR),
    }
    blocks = {}
    for name, view in VIEWS.items():
        blocks[name] = block = RowBlock.missing(view, 1)
        there = frames[name].filter(pl.col("created") <= pl.lit(at_ms).cast(pl.Datetime("ms", "UTC")))
        for key, id in zip(view.keys, owners[name], strict=True):
            there = there.filter(pl.col(key) == id)
        if len(there):
            row = there.row(-1, named=True)
            block.put(
                0,
                schema_id=row["schema_id"],
                event_ts_s=row["ts_ms"] // 1_000,
                seq=row["seq"],
                values=[row[field.name] for field in view.fields],
            )
    viewer, author, tweet, at = (np.array([one]) for one in (VIEWER, AUTHOR, TWEET, at_ms))
    unasked = np.full(1, np.nan, np.float32)
    return matrix(blocks, Moments(viewer, author, tweet, at, unasked, unasked)).tobytes()


@pytest.mark.parametrize("late_ms", [0, 90_000, HOUR_MS])
async def test_an_event_changes_no_row_from_before_it_came(tmp_path: Path, late_ms: int) -> None:
    without = events()
    with_it = [*without[:AT], canary(ARRIVED_MS - late_ms), *without[AT:]]
    plain, added = tmp_path / "without", tmp_path / "with"
    for home, records in ((plain, without), (added, with_it)):
        home.mkdir()
        await count(home, records)
    before, after = ({name: versions(home, name) for name in VIEWS} for home in (plain, added))
    came = pl.lit(ARRIVED_MS).cast(pl.Datetime("ms", "UTC"))
    for name in VIEWS:
        kept = before[name].filter(pl.col("created") < came)
        assert len(kept) > 5
        assert after[name].filter(pl.col("created") < came).equals(kept), name
        # It is not that nothing saw it.
        assert not after[name].equals(before[name])
    for at_ms in range(NOW_MS, ARRIVED_MS, 300_000):
        assert served_at(after, at_ms) == served_at(before, at_ms)
    assert served_at(after, ARRIVED_MS + HOUR_MS) != served_at(before, ARRIVED_MS + HOUR_MS)
