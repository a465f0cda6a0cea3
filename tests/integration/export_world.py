"""Stacks with a lake each, to import into and export from; and datasets made comparable."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import polars as pl

from eventlog.log import LaneLog
from interchange.activity import request_digests
from interchange.dataset import ROW, open_dataset
from interchange.exporter import ExportSources, export_history
from interchange.report import ExportReport
from pipelines.lake import GROUP, TOPICS, LakeOptions, LakeWriter
from stores.lake import LakeReader
from tests.integration.import_stack import Stack

SOURCE = "here"


async def exported(stack: Stack, lake: Path, directory: Path) -> ExportReport:
    """Everything that the stack's log holds goes into the lake, and out again."""
    await _fill(cast(LaneLog, stack.targets.log), stack, lake)
    sources = ExportSources(stack.targets.users, stack.targets.tweets, LakeReader(lake))
    return await export_history(sources, directory, source=SOURCE, report=lambda _: None)


async def _fill(log: LaneLog, stack: Stack, lake: Path) -> None:
    stop = asyncio.Event()
    writer = LakeWriter(log, lake, stack.clock, lambda: 1, LakeOptions(flush_s=0.0, poll_s=0.01))
    task = asyncio.create_task(writer.run(stop))
    async with asyncio.timeout(30):
        while any((await log.lag(GROUP, TOPICS)).values()):
            continue
    stop.set()
    await task


def in_our_ids(stack: Stack, directory: Path) -> Mapping[str, pl.DataFrame]:
    """A dataset that was imported into the stack, with the stack's ids, as it would export it."""
    dataset = open_dataset(directory)
    names = dataset.meta.namespaces
    mapping = {
        name: {
            external: str(id_) for namespace, external, id_ in stack.rows("external_ids") if namespace == name
        }
        for name in (names.viewers, names.authors, names.tweets)
    }
    digests = request_digests(names.viewers, dataset.tables["impressions"].get_column("request"))
    requests = {request: digest.hex() for request, digest in digests.iter_rows()}

    def ours(table: str, **columns: Mapping[str, str]) -> pl.DataFrame:
        frame = dataset.tables[table].drop(ROW)
        return frame.with_columns(
            pl.col(name).replace_strict(ids, default=None, return_dtype=pl.String())
            for name, ids in columns.items()
        )

    viewers, authors, tweets = (mapping[name] for name in (names.viewers, names.authors, names.tweets))
    people = dataset.tables["users"].drop(ROW)
    role = pl.col("role").fill_null("viewer") == "viewer"
    return {
        "users": pl.concat(
            people.filter(is_theirs).with_columns(pl.col("user").replace_strict(ids, default=None))
            for is_theirs, ids in ((role, viewers), (~role, authors))
            if not people.filter(is_theirs).is_empty()
        ).drop("role"),
        "follows": ours("follows", follower=viewers, followee=authors),
        "tweets": ours("tweets", tweet=tweets, author=authors, reply_to=tweets, retweet_of=tweets),
        "impressions": ours("impressions", viewer=viewers, tweet=tweets, request=requests),
        "engagements": ours("engagements", viewer=viewers, tweet=tweets, request=requests),
    }


def rows(frame: pl.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    """These columns of all rows, in an order of their own."""
    return sorted(frame.select(columns).rows(), key=repr)
