"""Someone else's history into our stores and log, as if it had happened here.

Users, follows, tweets and likes go through the stores, with their events in the outbox; what was
seen, clicked, dwelt on or hidden goes straight to the log, as live telemetry does. Every event has
the moment at which it happened, and an id minted in that moment.

An import can be killed and run again. Facts are repeated, which changes nothing; of telemetry
the batch in doubt goes in once more, and consumers count it once, by (viewer, request, tweet, kind).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import msgspec
import polars as pl

from core.clock import Clock
from eventlog.log import EventLog
from eventlog.schema import Viewed, record_of
from interchange.activity import LIKE
from interchange.bookmark import ImportBookmark, Progress
from interchange.dataset import Dataset, open_dataset
from interchange.facts import FactStores, FactWriter, Like
from interchange.history import resolve_history
from interchange.inspection import Inspection, inspect_rows
from interchange.report import ImportReport, Reporter
from stores.ports import ControlStore, EngagementStore, GraphStore, OutboxRecord, TweetStore, UserStore

BATCH = 5_000
"""Rows of activity between two commits of the progress."""

_REPORT_EVERY = 10 * BATCH


@dataclass(frozen=True, slots=True)
class ImportTargets:
    """Where an import writes."""

    users: UserStore
    graph: GraphStore
    tweets: TweetStore
    engagements: EngagementStore
    control: ControlStore
    log: EventLog


class Importer:
    """Imports directories in the interchange format. One import of the same data at a time."""

    def __init__(self, targets: ImportTargets, clock: Clock, *, batch: int = BATCH) -> None:
        self._targets = targets
        self._clock = clock
        self._batch = batch

    async def run(self, directory: Path, report: Reporter) -> ImportReport:
        """Imports all of `directory`; one that was imported before changes nothing.

        Nothing is written before every row has been looked at. Raises ConfigurationError where
        the directory is not a dataset, or a whole table cannot be imported; Unavailable where a
        store or the log was away: run it again, and it goes on where it was.
        """
        started_s = self._clock.monotonic_s()
        dataset = await asyncio.to_thread(open_dataset, directory)
        bookmark = ImportBookmark(self._targets.control, dataset.digest)
        progress = await bookmark.load()
        if progress is not None and progress.report is not None:
            return msgspec.structs.replace(progress.report, already_done=True)
        if progress is None:
            # The same moment at every attempt: what is "in the future" must not shift between them.
            progress = Progress(source=dataset.meta.source, as_of_ms=self._clock.now_ms())
        else:
            report(f"going on with an import that stopped after {progress.activity:,} rows of activity")
        inspection = await asyncio.to_thread(inspect_rows, dataset, now_ms=progress.as_of_ms)
        for refusal in inspection.refusals:
            report(refusal.line())
        await bookmark.store(progress)
        result = await self._write(dataset, inspection, bookmark, progress, report)
        result = msgspec.structs.replace(result, seconds=self._clock.monotonic_s() - started_s)
        await bookmark.store(msgspec.structs.replace(progress, activity=0, report=result))
        return result

    async def _write(
        self,
        dataset: Dataset,
        inspection: Inspection,
        bookmark: ImportBookmark,
        progress: Progress,
        report: Reporter,
    ) -> ImportReport:
        targets = self._targets
        report(f"mapping the ids of {dataset.meta.source}")
        history = await resolve_history(dataset, inspection, targets.control, targets.users, targets.tweets)
        facts = FactWriter(
            FactStores(targets.users, targets.graph, targets.tweets, targets.engagements), report
        )
        await facts.write_people(history.people)
        await facts.write_follows(history.follows)
        await facts.write_tweets(history.tweets)
        activity = history.activity
        earlier = activity.slice(0, progress.activity).get_column("kind").to_list()
        facts.there += Counter("likes" if kind == LIKE else kind for kind in earlier)
        for start in range(progress.activity, activity.height, self._batch):
            records, likes = _encode(activity.slice(start, self._batch), facts.written)
            if records:
                await targets.log.append(records)
            await facts.write_likes(likes)
            done = min(start + self._batch, activity.height)
            await bookmark.store(msgspec.structs.replace(progress, activity=done))
            if done == activity.height or done % _REPORT_EVERY == 0:
                report(f"{done:,} of {activity.height:,} views and likes")
        return ImportReport(
            digest=dataset.digest,
            source=dataset.meta.source,
            complete_until_ms=round(dataset.meta.complete_until.timestamp() * 1000),
            written=dict(facts.written),
            there=dict(facts.there),
            duplicates=inspection.duplicates,
            not_imported=history.not_imported,
            handles_replaced=facts.handles_replaced,
            references_dropped=inspection.references_dropped,
            refusals=inspection.refusals,
            assumptions=dataset.meta.assumptions,
        )


def _encode(activity: pl.DataFrame, counts: Counter[str]) -> tuple[list[OutboxRecord], list[Like]]:
    """The views as records of the log, counted by kind; likes apart, for they are facts."""
    records: list[OutboxRecord] = []
    likes: list[Like] = []
    rows = activity.iter_rows()
    for at_ms, kind, viewer, tweet, author, request_id, position, value_ms, surface, event_id in rows:
        if kind == LIKE:
            likes.append(Like(at_ms, viewer, tweet, author, request_id, event_id))
            continue
        event = Viewed(viewer, request_id, tweet, author, kind, position, value_ms, surface)
        records.append(record_of(event, id=event_id, ts_ms=at_ms, key=viewer))
        counts[kind] += 1
    return records, likes
