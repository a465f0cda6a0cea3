"""A stack's own history in the interchange format: what another stack, or another tool, can read.

From one snapshot of the lake, with people and texts from the stores. Tweets that were deleted are
left out, and so is all that hangs on them. Ids are ours, as decimal strings.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import polars as pl

from interchange.lake_history import LakeHistory
from interchange.report import ExportReport, Reporter
from interchange.schema import TABLES, TIME, Meta, Namespaces, write_meta, write_table
from interchange.whole_directory import whole_directory
from stores.lake import LakeReader
from stores.ports import TweetStore, UserStore

_LOOK_UP = 1_000
_REPORT_EVERY = 20 * _LOOK_UP
_ASSUMPTIONS = (
    "tweets that were deleted are not here, nor what was said of them",
    "likes and follows are those that stand, and have no request",
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ExportSources:
    users: UserStore
    tweets: TweetStore
    lake: LakeReader


async def export_history(
    sources: ExportSources, directory: Path, *, source: str, report: Reporter
) -> ExportReport:
    """Writes `directory`, which must not exist or be empty: whole or not at all.

    `source` names this stack: it stands in meta.json and in front of the namespaces. What an export
    that was stopped left beside it is removed. Raises ConfigurationError where `directory` holds
    something, Unavailable where a store is away.
    """
    with whole_directory(directory) as half:
        return await _write(sources, half, source, report)


async def _write(sources: ExportSources, half: Path, source: str, report: Reporter) -> ExportReport:
    history = LakeHistory(sources.lake)
    tweets, deleted = await _tweets(history, sources.tweets, report)
    kept = tweets.select("tweet").lazy()
    users = await _users(history, sources.users, report)
    shown, done = (one.join(kept, "tweet", "semi") for one in (history.impressions(), history.engagements()))
    tables = {
        "users": users.lazy(),
        "tweets": tweets.lazy(),
        "follows": history.follows(),
        "impressions": shown,
        "engagements": done,
    }
    rows = {}
    for table, lazy in tables.items():
        frame = await asyncio.to_thread(_as_interchange, table, lazy)
        report(f"writing {frame.height:,} {table}")
        await asyncio.to_thread(write_table, half, table, frame)
        rows[table] = frame.height
    complete_ms = history.complete_until_ms()
    complete_until = dt.datetime.fromtimestamp(complete_ms / 1000, dt.UTC)
    names = Namespaces(f"{source}/user", f"{source}/user", f"{source}/tweet")
    write_meta(half, Meta(source, complete_until, names, assumptions=list(_ASSUMPTIONS)))
    return ExportReport(sources.lake.snapshot, rows, deleted, complete_ms)


async def _tweets(history: LakeHistory, store: TweetStore, report: Reporter) -> tuple[pl.DataFrame, int]:
    """Those that are there, with their texts, and how many are not, or are retweets of such."""
    frame = await asyncio.to_thread(lambda: history.tweets().collect())
    found = await _look_up(frame.get_column("tweet").to_list(), store.get_many, "tweets", report)
    texts = {"tweet": list(found), "text": [tweet.text or None for tweet in found.values()]}
    there = frame.join(pl.DataFrame(texts, schema={"tweet": pl.Int64(), "text": pl.String()}), "tweet")
    gone = pl.col("retweet_of").is_not_null() & ~pl.col("retweet_of").is_in(there["tweet"].implode())
    there = there.filter(~gone)
    return there.rename({"at_ms": "created_at"}), frame.height - there.height


async def _users(history: LakeHistory, store: UserStore, report: Reporter) -> pl.DataFrame:
    """Everybody with a profile, and who was met without one, since then."""
    ids: list[int] = []
    while len(page := await store.everybody(after=ids[-1] if ids else 0, limit=_LOOK_UP)):
        ids += page.tolist()
    found = await _look_up(ids, store.get_many, "users", report)
    profiles = pl.DataFrame(
        [(one.user_id, one.handle, one.created_ms) for one in found.values()],
        schema={"user": pl.Int64(), "handle": pl.String(), "created_at": pl.Int64()},
        orient="row",
    )
    met = await asyncio.to_thread(history.people)
    strangers = met.rename({"at_ms": "created_at"}).join(profiles, "user", "anti")
    return pl.concat([profiles, strangers], how="diagonal")


async def _look_up(
    ids: Sequence[int],
    get_many: Callable[[Sequence[int]], Awaitable[Mapping[int, T]]],
    kind: str,
    report: Reporter,
) -> dict[int, T]:
    found: dict[int, T] = {}
    for start in range(0, len(ids), _LOOK_UP):
        found |= await get_many(ids[start : start + _LOOK_UP])
        done = min(start + _LOOK_UP, len(ids))
        if done == len(ids) or done % _REPORT_EVERY == 0:
            report(f"{done:,} of {len(ids):,} {kind}")
    return found


def _as_interchange(table: str, lazy: pl.LazyFrame) -> pl.DataFrame:
    """Ids as strings, moments as times; by time."""
    frame = lazy.collect().rename({"at_ms": "at", "request_id": "request"}, strict=False)
    columns = [column for column in TABLES[table] if column.name in frame.columns]
    as_kind = {
        "text": lambda name: pl.col(name).cast(pl.String),
        "time": lambda name: (pl.col(name) * 1_000).cast(TIME),
    }
    frame = frame.select(
        as_kind[column.kind](column.name) if column.kind in as_kind else pl.col(column.name)
        for column in columns
    )
    times = [column.name for column in columns if column.kind == "time"]
    return frame.sort(
        *times, *(column.name for column in columns if column.required and column.kind == "text")
    )
