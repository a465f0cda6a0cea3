"""The files of KuaiRand-Pure as they are published, merged, sorted and freed of what is damaged."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import polars as pl

from core.errors import ConfigurationError
from core.ids import EPOCH_MS, MAX_TIME_MS
from interchange.kuairand_files import FLAGS, open_files
from interchange.report import Refusal, Reporter

_IMPRESSIONS = ("user_id", "video_id", "author_id", "time_ms", "tab", "play_time_ms", *FLAGS)
_BEIJING_OFFSET_MS = 8 * 3_600_000
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class KuaiRand:
    """What the source holds.

    `impressions` rise by `time_ms` and then by every other column; `occurrence` counts, from 1,
    the rows of one viewer, item and millisecond. `items` have `uploaded_ms`, the start of the upload
    day in Beijing in milliseconds since the Unix epoch. `rows` and `overlap_ms` are those of the files.
    """

    impressions: pl.DataFrame
    viewers: pl.DataFrame
    items: pl.DataFrame
    rows: int
    duplicates: int
    overlap_ms: int
    refusals: list[Refusal]


def read_kuairand(src: Path, report: Reporter) -> KuaiRand:
    """Reads the files of a directory (`interchange.kuairand_files`).

    Raises ConfigurationError for a missing file or column, and where no impression is left.
    """
    opened = open_files(src)
    files = opened.impressions
    refusals: list[Refusal] = []
    viewers = _sift(
        "users",
        opened.viewers,
        refusals,
        {
            "user_id is null": pl.col("user_id").is_null(),
            "an earlier row has the same user_id": ~pl.col("user_id").is_first_distinct(),
            "register_days is null or negative": pl.col("register_days").fill_null(-1) < 0,
        },
    )
    items = _items(opened.videos, refusals)
    rows = sum(file.height for file in files)
    overlap_ms = _overlap_ms(files)
    # Sorted by every column, so that neither the files' order nor their number changes the outcome.
    order = ["time_ms", *(name for name in files[0].columns if name != "time_ms")]
    merged = pl.concat([file.select(order) for file in files], how="vertical_relaxed")
    unique = merged.unique().sort(order)
    duplicates = merged.height - unique.height
    report(
        f"merged {len(files)} files of {rows:,} impressions, which overlap by "
        f"{overlap_ms / 60_000:.0f} minutes; dropped {duplicates:,} exact duplicates"
    )
    impressions = _sift(
        "impressions",
        unique,
        refusals,
        {
            "a column is null": pl.any_horizontal(pl.col(name).is_null() for name in _IMPRESSIONS),
            "time_ms is not a time after 2010 in milliseconds": ~pl.col("time_ms").is_between(
                EPOCH_MS, MAX_TIME_MS
            ),
            "an engagement is neither 0 nor 1": ~pl.all_horizontal(
                pl.col(name).is_in([0, 1]) for name in FLAGS
            ),
            "play_time_ms is negative": pl.col("play_time_ms") < 0,
            "the viewer is not among the users": ~pl.col("user_id").is_in(viewers["user_id"].implode()),
            "the item is not among the videos": ~pl.col("video_id").is_in(items["video_id"].implode()),
        },
    )
    for refusal in refusals:
        report(refusal.line())
    if impressions.is_empty():
        raise ConfigurationError(
            f"no impression of {src} can be used: " + "; ".join(refusal.line() for refusal in refusals)
        )
    one_moment = ["user_id", "video_id", "time_ms"]
    impressions = impressions.with_columns((pl.int_range(pl.len()).over(one_moment) + 1).alias("occurrence"))
    return KuaiRand(impressions, viewers, items, rows, duplicates, overlap_ms, refusals)


def _items(videos: pl.DataFrame, refusals: list[Refusal]) -> pl.DataFrame:
    day = pl.col("upload_dt").cast(pl.String).str.to_datetime("%Y-%m-%d", strict=False, time_unit="ms")
    dated = videos.with_columns((day.dt.epoch("ms") - _BEIJING_OFFSET_MS).alias("uploaded_ms"))
    return _sift(
        "videos",
        dated,
        refusals,
        {
            "video_id or author_id is null": pl.col("video_id").is_null() | pl.col("author_id").is_null(),
            "an earlier row has the same video_id": ~pl.col("video_id").is_first_distinct(),
            "upload_dt is not a day such as 2022-04-09": pl.col("uploaded_ms").is_null(),
        },
    )


def _sift(
    file: str, frame: pl.DataFrame, refusals: list[Refusal], reasons: dict[str, pl.Expr]
) -> pl.DataFrame:
    """Takes the rows out that a reason holds for, one reason after the other; adds to `refusals`."""
    for reason, bad in reasons.items():
        rows = frame.filter(bad)
        if rows.is_empty():
            continue
        frame = frame.filter(~bad)
        examples = [
            ", ".join(f"{name}={value}" for name, value in list(row.items())[:5])
            for row in rows.head(_EXAMPLES).iter_rows(named=True)
        ]
        refusals.append(Refusal(file, reason, rows.height, examples))
    return frame


def _overlap_ms(files: list[pl.DataFrame]) -> int:
    """Over how long the files overlap: the sum over neighbours in time, in milliseconds."""
    bounds = sorted(
        file.select(pl.col("time_ms").min(), pl.col("time_ms").max().alias("last")).row(0)
        for file in files
        if file.height
    )
    return sum(max(0, earlier[1] - later[0]) for earlier, later in pairwise(bounds))
