"""A stack's lake for notebooks: `from wiring.open_lake import open_lake; lake = open_lake()`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import polars as pl

from core.errors import ConfigurationError
from stores.lake import LakeReader
from stores.lake_tables import Table
from training.impressions import impressions
from training.labels import Head
from wiring.environment import load_settings
from wiring.home import Home


class Lake:
    """The lake as it was when it was opened; what is written later, another one sees.

    Old files go ten minutes after they were merged: whoever reads for longer opens it again.
    """

    def __init__(self, root: Path) -> None:
        self.reader = LakeReader(root)

    def impressions(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        windows_s: Mapping[Head, float] | None = None,
    ) -> pl.LazyFrame:
        """What was seen, with its features as served and its labels: see `training.impressions`.

        `since` and `until` (with their zone) bound when it was seen; no label looks past `until`.
        """
        return impressions(self.reader, from_ms=_ms(since), to_ms=_ms(until), windows_s=windows_s)

    def table(
        self, name: Table, *, since: datetime | None = None, until: datetime | None = None
    ) -> pl.LazyFrame:
        """The rows of a table as they are in the lake, in no order; repetitions included."""
        return self.reader.scan(name, from_ms=_ms(since), to_ms=_ms(until))


def open_lake(home: Path | None = None) -> Lake:
    """The lake of the stack in `home`, by default in RANKFEED_HOME.

    Raises ConfigurationError where there is none, UnknownVersion for one of a newer rankfeed, Corrupt
    where its manifests are damaged.
    """
    return Lake(Home(load_settings(os.environ).home if home is None else home).lake)


def _ms(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ConfigurationError(f"{moment} has no zone: say datetime(…, tzinfo=UTC)")
    return round(moment.timestamp() * 1000)
