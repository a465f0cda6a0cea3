"""Who found what ranked pages served, of the lake."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from stores.lake import LakeReader


def served_sources(lake: Path) -> Mapping[str, int]:
    """Items of pages served as ranked, by the source of each, most first."""
    counted = (
        LakeReader(lake)
        .scan("served")
        .filter((pl.col("algorithm") == "ranked") & (pl.col("source") != ""))
        .unique(["viewer", "request_id", "tweet"])
        .group_by("source")
        .len()
        .sort("len", "source", descending=[True, False])
        .collect()
    )
    return dict(counted.iter_rows())
