"""A simulated world meets the interchange format, and our ids meet its people and tweets."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.errors import ConfigurationError
from interchange.schema import TABLES, Meta, Namespaces, write_meta, write_table
from interchange.whole_directory import whole_directory
from simulation.history import ASSUMPTIONS, PEOPLE, TWEETS, history
from simulation.past import Past
from stores.ports import ControlStore

_ROWS_A_FILE = 1_000_000
_MAPPED_AT_ONCE = 5_000


def write_past(past: Past, directory: Path, report: Callable[[str], None]) -> Counter[str]:
    """Writes `directory`, new or empty, whole or not at all; how many rows each table has.

    A table comes in files of about a million rows, so that memory does not grow with the world. Raises
    ConfigurationError where `directory` holds something already.
    """
    rows, files = Counter[str](), Counter[str]()
    waiting: defaultdict[str, list[pl.DataFrame]] = defaultdict(list)

    def write(table: str) -> None:
        frame = pl.concat(waiting.pop(table))
        write_table(half, table, frame, files[table])
        files[table] += 1
        rows[table] += frame.height

    with whole_directory(directory) as half:
        for table, frame in history(past):
            waiting[table].append(frame)
            if sum(one.height for one in waiting[table]) >= _ROWS_A_FILE:
                write(table)
                report(f"{rows[table]:,} {table} so far")
        for table in list(waiting):
            write(table)
        complete_until = dt.datetime.fromtimestamp(past.until_ms / 1000, dt.UTC)
        names = Namespaces(PEOPLE, PEOPLE, TWEETS)
        write_meta(half, Meta("simulation", complete_until, names, assumptions=list(ASSUMPTIONS)))
    return Counter({table: rows[table] for table in TABLES})


async def imported_ids(control: ControlStore, namespace: str, external: Sequence[str]) -> NDArray[np.int64]:
    """Our ids of what was imported, int64 [n]. Raises ConfigurationError where one was not."""

    def absent(position: int) -> int:
        raise ConfigurationError(f"something of {namespace} was not imported; import the whole directory")

    found: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    for start in range(0, len(external), _MAPPED_AT_ONCE):
        part = external[start : start + _MAPPED_AT_ONCE]
        found.append(np.asarray(await control.map_external_ids(namespace, part, absent), np.int64))
    return np.concatenate(found)
