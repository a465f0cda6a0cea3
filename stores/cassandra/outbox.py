"""The outbox: a row is the commit of a write, and stays until its events are acknowledged.

Rows lie in partitions of (shard, 10 s bucket of the moment of the write). A writer whose row took
longer than STALLED_S to be acknowledged writes it again into the bucket of now, so no acknowledged
row ever appears in a bucket that ended LATE_MS ago: that is when the low mark may pass it. This
asks of the machines' clocks that they are within 30 s of each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from core.clock import Clock
from stores.cassandra.entry import Entry, digest_of, encode_entry
from stores.cassandra.session import CassandraSession, Statement
from stores.partitioner import partition_of

SHARDS = 8
"""May grow, not shrink: what lies in a shard that nobody reads any more is not relayed."""
BUCKET_MS = 10_000
STALLED_S = 20.0
LATE_MS = 60_000

_ALL_SHARDS = list(range(SHARDS))
_INSERT = Statement(
    "INSERT INTO ks.outbox (shard, bucket, event_id, digest, entry) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?"
)
_DELETE = Statement(
    "DELETE FROM ks.outbox USING TIMESTAMP ? WHERE shard = ? AND bucket = ? AND event_id = ? AND digest = ?"
)
_READ = Statement(
    "SELECT shard, bucket, event_id, digest, entry, writetime(entry) FROM ks.outbox "
    "WHERE shard IN ? AND bucket = ?",
    page_rows=500,
)
_PARTITIONS = Statement("SELECT DISTINCT shard, bucket FROM ks.outbox")
_REFUSE = Statement(
    "INSERT INTO ks.outbox_refused (shard, event_id, digest, entry, cause) VALUES (?, ?, ?, ?, ?)"
)
_REFUSED = Statement("SELECT shard, event_id, digest, entry, cause FROM ks.outbox_refused WHERE shard IN ?")
_FORGET = Statement("DELETE FROM ks.outbox_refused WHERE shard = ? AND event_id = ? AND digest = ?")


class Place(NamedTuple):
    """Where a row lies, and when it was written (its timestamp, microseconds since 1970)."""

    shard: int
    bucket: int
    event_id: int
    digest: bytes
    written_us: int


class Waiting(NamedTuple):
    """A row as it was found; `raw` may be of a newer version, or damaged."""

    place: Place
    raw: bytes


class Refused(NamedTuple):
    """A row that could not be relayed, and why."""

    shard: int
    event_id: int
    digest: bytes
    raw: bytes
    cause: str


class CassandraOutbox:
    def __init__(self, session: CassandraSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    def now_us(self) -> int:
        return self._clock.now_ms() * 1000

    def current_bucket(self) -> int:
        return self._clock.now_ms() // BUCKET_MS

    async def commit(self, entry: Entry) -> Place:
        """Commits a write: once this returned, its effects and events come, whoever dies.

        Repeated with the same entry it is one row, unless the bucket has changed in between. An entry
        whose row was deleted already stays deleted within its bucket, for it has been published.
        """
        raw = encode_entry(entry)
        digest = digest_of(raw)
        shard = partition_of(entry.aggregate, SHARDS)
        late: list[Place] = []
        while True:
            began_s = self._clock.monotonic_s()
            place = Place(shard, self.current_bucket(), entry.event_id, digest, entry.written_us)
            await self._session.write(_INSERT, *place[:4], raw, entry.written_us)
            if self._clock.monotonic_s() - began_s < STALLED_S:
                break
            late.append(place)
        await self.delete([one for one in late if one != place])
        return place

    async def delete(self, places: Sequence[Place]) -> None:
        """Removes rows whose events were acknowledged; one mutation a partition."""
        partitions: dict[tuple[int, int], list[Place]] = defaultdict(list)
        for place in places:
            partitions[place.shard, place.bucket].append(place)
        for rows in partitions.values():
            # One microsecond later than the row: it goes, whatever the clocks of the two sides say.
            await self._session.write_partition(_DELETE, [(row.written_us + 1, *row[:4]) for row in rows])

    async def waiting(self, bucket: int) -> list[Waiting]:
        """The rows of one bucket in all shards."""
        rows = await self._session.rows(_READ, _ALL_SHARDS, bucket)
        return [
            Waiting(Place(shard, in_bucket, event_id, digest, written_us), raw)
            for shard, in_bucket, event_id, digest, raw, written_us in rows
        ]

    async def oldest_bucket(self) -> int | None:
        """The oldest bucket that holds anything, by looking at all of them."""
        rows = await self._session.rows(_PARTITIONS)
        return min((row[1] for row in rows), default=None)

    async def refuse(self, waiting: Waiting, cause: str) -> None:
        """Sets a row aside that cannot be relayed, so that the others go on."""
        place = waiting.place
        await self._session.write(_REFUSE, place.shard, place.event_id, place.digest, waiting.raw, cause)
        await self.delete([place])

    async def refused(self) -> list[Refused]:
        rows = await self._session.rows(_REFUSED, _ALL_SHARDS)
        return [Refused(*row) for row in rows]

    async def redrive(self, refused: Refused) -> None:
        """Gives a refused row back to the relay, once its cause has gone."""
        await self._session.write(
            _INSERT,
            refused.shard,
            self.current_bucket(),
            refused.event_id,
            refused.digest,
            refused.raw,
            self.now_us(),
        )
        await self._session.write(_FORGET, refused.shard, refused.event_id, refused.digest)
