"""What Redis says about tweets beside their bodies: counts, and that they are gone; kept as the rows are.

Likes, retweets and replies make buckets dirty, and their entries are committed once these are counted.
Deletions write tombstones, three times. Whatever a process that died had still to repeat is found again
in the last minutes of the log by the next one that starts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import structlog

from core.clock import Clock
from core.errors import Corrupt, Unavailable
from core.ids import MAX_ID
from eventlog.envelope import decode_envelope
from eventlog.late_commits import LateCommitLog
from eventlog.log import OperatedLog
from eventlog.reading import read
from eventlog.schema import EDGES, TWEETS, Event, LikeSet, ReplySet, RetweetSet, TweetDeleted, decode_event
from eventlog.worker import Arrived, MintId, Worker, WorkerOptions
from pipelines.dirty_tweets import Place
from pipelines.recounts import Recounts
from pipelines.tombstone_repeats import TombstoneRepeats
from stores.buckets import bucket_of
from stores.ports import Bucket

GROUP = "tweet_state"
TOPICS = (EDGES, TWEETS)
LOOK_BACK_MS = 120_000
"""The last repeat is a minute after its event was handled; a process is started again within the other."""
_OPTIONS = WorkerOptions(group=GROUP, topics=TOPICS, batch=2_000)
_RETRY_S = 1.0

_logger = structlog.get_logger("tweet_state")


class TweetState:
    """Any number of processes; those of a group share its partitions."""

    def __init__(
        self, log: OperatedLog, recounts: Recounts, repeats: TombstoneRepeats, clock: Clock, mint: MintId
    ) -> None:
        self._log = log
        self._recounts = recounts
        self._repeats = repeats
        self._clock = clock
        self._mint = mint

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; then what is dirty is counted and committed before this returns."""
        handler = TweetStateHandler(self._recounts, self._repeats)
        log = LateCommitLog(self._log, self._recounts)
        worker = Worker(log, handler, self._clock, self._mint, _OPTIONS)
        drained = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._recounts.run(drained))
            tasks.create_task(self._repeats.run(drained))
            looking_back = tasks.create_task(self.look_back())
            await worker.run(stop)
            looking_back.cancel()
            drained.set()
            self._recounts.wake()
            self._repeats.wake()

    async def look_back(self) -> None:
        """Does again what was done in the last minutes, whoever did it; waits for what is away."""
        while True:
            try:
                await self._do_again()
            except Unavailable as exc:
                _logger.warning("look_back_waits", error=str(exc))
                await asyncio.sleep(_RETRY_S)
            else:
                return

    async def _do_again(self) -> None:
        now_ms = self._clock.now_ms()
        start = await self._log.offsets_at(TOPICS, now_ms - LOOK_BACK_MS)
        deleted: list[int] = []
        async for entry in read(self._log, TOPICS, start=start):
            try:
                event = decode_event(decode_envelope(entry.value))
                bucket = None if event is None else bucket_made_dirty(event)
                deleted += () if event is None else tweets_deleted([event])
            except Corrupt:
                # Whoever has the partition sets it aside.
                continue
            if bucket is not None:
                self._recounts.mark(bucket, None, at_ms=now_ms)
        if deleted:
            await self._repeats.write(deleted)


class TweetStateHandler:
    """Marks, and writes first tombstones (`eventlog.worker.Handler`); the rest comes later."""

    def __init__(self, recounts: Recounts, repeats: TombstoneRepeats) -> None:
        self._recounts = recounts
        self._repeats = repeats

    async def handle(self, batch: Sequence[Arrived]) -> None:
        """Raises Unavailable where Redis is away or too much is dirty already; Corrupt for what is no id."""
        if self._recounts.is_full:
            raise Unavailable("too many tweets wait for their recount")
        dirty = [(one, bucket) for one in batch if (bucket := bucket_made_dirty(one.event)) is not None]
        deleted = list(dict.fromkeys(tweets_deleted([one.event for one in batch])))
        for one, bucket in dirty:
            place = Place(one.entry.topic_partition, one.entry.offset)
            self._recounts.mark(bucket, place, at_ms=one.envelope.ts_ms)
        if deleted:
            await self._repeats.write(deleted)


def bucket_made_dirty(event: Event) -> Bucket | None:
    """Raises Corrupt where it names what cannot be an id: no store could be asked for it."""
    match event:
        case LikeSet():
            bucket = Bucket(_id(event.tweet), "likes", bucket_of(_id(event.user)))
        case RetweetSet():
            bucket = Bucket(_id(event.tweet), "retweets", bucket_of(_id(event.retweet)))
        case ReplySet():
            bucket = Bucket(_id(event.tweet), "replies", bucket_of(_id(event.reply)))
        case _:
            return None
    return bucket


def tweets_deleted(events: Sequence[Event]) -> Iterator[int]:
    return (_id(event.tweet) for event in events if isinstance(event, TweetDeleted))


def _id(value: int) -> int:
    if not 0 < value <= MAX_ID:
        raise Corrupt(f"{value} is no id")
    return value
