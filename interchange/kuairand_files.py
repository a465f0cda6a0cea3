"""The files of KuaiRand-Pure: as they are published (CSV), or as Parquet by days."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import polars as pl

from core.errors import ConfigurationError

FLAGS = {
    "is_click": "click",
    "is_like": "like",
    "is_hate": "hide",
    "is_follow": "follow",
    "is_comment": "comment",
    "is_forward": "forward",
    "long_view": "long_view",
    "is_profile_enter": "profile_enter",
}
"""Columns of 0 and 1 in the impressions, and the engagement that a 1 stands for."""

_LOGGED = ("user_id", "video_id", "time_ms", "tab", "play_time_ms", *FLAGS)
_USERS = ("user_id", "register_days")
_VIDEOS = ("video_id", "author_id", "upload_dt", "video_duration", "tag")
_TEXTS = {"upload_dt", "tag"}


class Files(NamedTuple):
    """What was read, unchanged; every impression has its `author_id`, null where the item is unknown."""

    impressions: list[pl.DataFrame]
    viewers: pl.DataFrame
    videos: pl.DataFrame


def open_files(src: Path) -> Files:
    """Reads `log_*.csv`, `user_features_*.csv` and `video_features_basic_*.csv` of a directory, else
    `impressions_*.parquet`, `users.parquet` and `videos.parquet`.

    Raises ConfigurationError for a missing file or column.
    """
    if not src.is_dir():
        raise ConfigurationError(f"{src} is not a directory; name the one that holds the KuaiRand files.")
    if logs := sorted(src.glob("log_*.csv")):
        viewers = _read(_one(src, "user_features_*.csv"), _USERS)
        videos = _read(_one(src, "video_features_basic_*.csv"), _VIDEOS)
        authors = videos.select("video_id", "author_id").unique("video_id", keep="first")
        return Files(
            [_read(log, _LOGGED).join(authors, on="video_id", how="left") for log in logs], viewers, videos
        )
    parts = sorted(src.glob("impressions_*.parquet"))
    if not parts:
        raise ConfigurationError(
            f"{src} holds neither log_*.csv nor impressions_*.parquet. Name the directory with the files of "
            "KuaiRand-Pure: `data`, where it was unpacked."
        )
    return Files(
        [_read(part, (*_LOGGED, "author_id")) for part in parts],
        _read(src / "users.parquet", _USERS),
        _read(src / "videos.parquet", _VIDEOS),
    )


def _one(src: Path, pattern: str) -> Path:
    return next(iter(sorted(src.glob(pattern))), src / pattern)


def _read(path: Path, columns: tuple[str, ...]) -> pl.DataFrame:
    """The whole file; raises ConfigurationError where it is not there or lacks one of `columns`."""
    if not path.is_file():
        raise ConfigurationError(
            f"{path} is missing; copy it from the KuaiRand-Pure files beside the others."
        )
    table = path.suffix == ".csv"
    try:
        # Days and tags look like numbers in some files, and are none.
        frame = (
            pl.read_csv(path, schema_overrides=dict.fromkeys(_TEXTS & {*columns}, pl.String))
            if table
            else pl.read_parquet(path)
        )
    except (pl.exceptions.PolarsError, OSError) as exc:
        form = "CSV" if table else "Parquet"
        raise ConfigurationError(f"{path} cannot be read as {form} ({exc}); fetch it again.") from exc
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise ConfigurationError(
            f"{path} lacks the columns {', '.join(missing)} (it has {', '.join(frame.columns)}). "
            "Is it a file of KuaiRand-Pure, unchanged?"
        )
    wrong = [
        f"{name} is {frame.schema[name]}"
        for name in columns
        if name not in _TEXTS and not frame.schema[name].is_numeric()
    ]
    if wrong:
        raise ConfigurationError(f"{path} has the wrong types: {', '.join(wrong)}; numbers are needed there.")
    return frame
