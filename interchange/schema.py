"""The interchange format: five Parquet tables and a `meta.json`, as other people's data comes in.

Ids are the source's own strings; times are UTC. Viewers and authors may be two namespaces: then the
viewer "7" and the author "7" are two people, told apart in `users` by `role`.

| table | one row is |
|---|---|
| users | a person: `role` is "viewer" (the default) or "author" |
| follows | a viewer who follows an author |
| tweets | what an author wrote; a missing text is made up from the rest |
| impressions | one tweet shown to one viewer in one request; `position` 0 is the top |
| engagements | what a viewer did with a tweet; `value` is milliseconds for a dwell |
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import polars as pl

from core.errors import ConfigurationError

VERSION = 1
META_FILE = "meta.json"
TIME = pl.Datetime("us", "UTC")

Kind = Literal["text", "texts", "time", "integer", "flag"]

_DTYPES: Mapping[Kind, pl.DataType] = {
    "text": pl.String(),
    "texts": pl.List(pl.String()),
    "time": TIME,
    "integer": pl.Int64(),
    "flag": pl.Boolean(),
}
_UTC_NAMES = {"UTC", "Etc/UTC", "+00:00"}


class Column(NamedTuple):
    """One column; an optional one may be absent, and may hold nulls."""

    name: str
    kind: Kind
    required: bool = True


TABLES: Mapping[str, tuple[Column, ...]] = {
    "users": (
        Column("user", "text"),
        Column("role", "text", required=False),
        Column("handle", "text", required=False),
        Column("created_at", "time"),
    ),
    "follows": (Column("follower", "text"), Column("followee", "text"), Column("at", "time")),
    "tweets": (
        Column("tweet", "text"),
        Column("author", "text"),
        Column("created_at", "time"),
        Column("text", "text", required=False),
        Column("media_kind", "text", required=False),
        Column("duration_ms", "integer", required=False),
        Column("reply_to", "text", required=False),
        Column("retweet_of", "text", required=False),
        Column("tags", "texts", required=False),
    ),
    "impressions": (
        Column("request", "text"),
        Column("viewer", "text"),
        Column("tweet", "text"),
        Column("at", "time"),
        Column("position", "integer", required=False),
        Column("surface", "text", required=False),
        Column("seen", "flag"),
    ),
    "engagements": (
        Column("viewer", "text"),
        Column("tweet", "text"),
        Column("type", "text"),
        Column("at", "time"),
        Column("value", "integer", required=False),
        Column("request", "text", required=False),
    ),
}


class Namespaces(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where each kind of id is unique; equal names mean that the ids are of the same things."""

    viewers: str
    authors: str
    tweets: str


class Meta(msgspec.Struct, frozen=True):
    """What `meta.json` says about the tables beside it.

    `complete_until` is the moment up to which the source recorded everything: labels mature
    against it. `assumptions` are sentences about what the converter had to make up.
    """

    source: str
    complete_until: dt.datetime
    namespaces: Namespaces
    interchange: int = VERSION
    licence: str = ""
    assumptions: list[str] = []


_meta_decoder = msgspec.json.Decoder(Meta)


def conform(table: str, frame: pl.DataFrame, where: str) -> pl.DataFrame:
    """The table's columns in their order and types, absent optional ones as nulls.

    Columns that the format does not know are left out. Raises ConfigurationError naming every
    column that is missing or of another type, and what to do about it.
    """
    faults = []
    columns = []
    for column in TABLES[table]:
        dtype = frame.schema.get(column.name)
        if dtype is None:
            if column.required:
                faults.append(f"column {column.name} is missing (columns found: {', '.join(frame.columns)})")
            columns.append(pl.lit(None, _DTYPES[column.kind]).alias(column.name))
            continue
        fault = _fault(column, dtype)
        if fault is not None:
            faults.append(fault)
        columns.append(pl.col(column.name).cast(_DTYPES[column.kind]))
    if faults:
        raise ConfigurationError(
            f"{where} does not have the shape of the table {table}: {'; '.join(faults)}. "
            "Write it again in that shape; nothing was imported."
        )
    return frame.select(columns)


def write_table(directory: Path, table: str, frame: pl.DataFrame, part: int | None = None) -> None:
    """Writes one table of a dataset, or a numbered part of one, checked against the format first."""
    file = f"{table}.parquet" if part is None else f"{table}-{part:05}.parquet"
    conform(table, frame, f"the {table} to be written").write_parquet(directory / file)


def write_meta(directory: Path, meta: Meta) -> None:
    """Writes `meta.json` whole or not at all; it comes last, for without it nothing can be imported."""
    half = directory / f"{META_FILE}.half"
    half.write_bytes(msgspec.json.format(msgspec.json.encode(meta), indent=2) + b"\n")
    os.replace(half, directory / META_FILE)


def read_meta(directory: Path) -> Meta:
    """Raises ConfigurationError where it is missing, damaged, or of a newer format."""
    path = directory / META_FILE
    try:
        raw = path.read_bytes()
    except FileNotFoundError as exc:
        raise ConfigurationError(
            f"{path} is missing, so {directory} holds no finished interchange dataset. Name the directory "
            "that a converter wrote, or convert again."
        ) from exc
    except OSError as exc:
        raise ConfigurationError(f"{path} cannot be read: {exc}") from exc
    try:
        meta = _meta_decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise ConfigurationError(
            f"{path} is not the description of a dataset: {exc}. It needs source, complete_until "
            "(RFC 3339) and namespaces {viewers, authors, tweets}."
        ) from exc
    if meta.interchange > VERSION:
        raise ConfigurationError(
            f"{path} is of interchange format {meta.interchange}; this code knows {VERSION}. "
            "Install a newer rankfeed, or convert again with this one."
        )
    if meta.complete_until.tzinfo is None:
        raise ConfigurationError(f'{path}: complete_until has no time zone; end it in "Z" for UTC.')
    names = meta.namespaces
    if "" in (names.viewers, names.authors, names.tweets) or names.tweets in (names.viewers, names.authors):
        raise ConfigurationError(
            f"{path}: a namespace is empty, or tweets share one with people. "
            "Give tweets a namespace of their own."
        )
    return meta


def _fault(column: Column, dtype: pl.DataType) -> str | None:
    """What is wrong with a column's type, or None."""
    if dtype == pl.Null and not column.required:
        return None
    if column.kind == "time":
        if not isinstance(dtype, pl.Datetime):
            return f"column {column.name} is {dtype}, not a time; write a UTC timestamp in microseconds"
        if dtype.time_zone not in _UTC_NAMES:
            zone = "no time zone" if dtype.time_zone is None else f"the time zone {dtype.time_zone}"
            return f"column {column.name} has {zone}; every time must be in UTC, so convert it before writing"
        return None
    fits = {
        "text": isinstance(dtype, pl.String | pl.Categorical | pl.Enum),
        "texts": dtype == pl.List(pl.String),
        "integer": dtype.is_integer() and dtype != pl.UInt64,
        "flag": dtype == pl.Boolean,
    }[column.kind]
    return None if fits else f"column {column.name} is {dtype}; cast it to {_DTYPES[column.kind]}"
