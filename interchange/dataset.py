"""A directory in the interchange format, read and checked for its shape."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from core.errors import ConfigurationError
from interchange.schema import META_FILE, TABLES, Meta, conform, read_meta

ROW = "row"
"""Added to every table: the row's number in the table as written, counted from 1."""

_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Dataset:
    """All of a directory in memory: each table by name, with `row` in front of its own columns.

    `digest` is over the bytes of every file: equal digests are the same data.
    """

    meta: Meta
    tables: dict[str, pl.DataFrame]
    digest: str


def open_dataset(directory: Path) -> Dataset:
    """Reads a directory; a table is `<table>.parquet`, or parts `<table>-*.parquet` in name order.

    Raises ConfigurationError for a missing file, an unreadable one, or one of another shape.
    """
    if not directory.is_dir():
        raise ConfigurationError(
            f"{directory} is not a directory. Name the directory that `rankfeed convert` wrote."
        )
    meta = read_meta(directory)
    hasher = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    _hash(hasher, directory / META_FILE)
    tables = {}
    for table in TABLES:
        parts = _parts(directory, table)
        for part in parts:
            _hash(hasher, part)
        frames = [conform(table, _read(part), str(part)) for part in parts]
        tables[table] = pl.concat(frames).with_row_index(ROW, offset=1)
    return Dataset(meta, tables, hasher.hexdigest())


def _parts(directory: Path, table: str) -> list[Path]:
    whole = directory / f"{table}.parquet"
    parts = sorted(directory.glob(f"{table}-*.parquet"))
    if whole.exists() and parts:
        raise ConfigurationError(
            f"{directory} holds both {whole.name} and {parts[0].name}: which is the table? Remove one."
        )
    if whole.exists():
        return [whole]
    if not parts:
        raise ConfigurationError(
            f"{whole} is missing. Where the source has no {table}, write the table without rows."
        )
    return parts


def _read(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as exc:
        raise ConfigurationError(
            f"{path} cannot be read as Parquet ({exc}). It may be cut short; write or convert it again."
        ) from exc


def _hash(hasher: hashlib.blake2b, path: Path) -> None:
    size = path.stat().st_size
    hasher.update(f"{path.name}\0{size}\0".encode())
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            hasher.update(chunk)
