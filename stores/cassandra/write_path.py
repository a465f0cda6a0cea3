"""How every fact is written: commit in the outbox, upsert the tables, answer; publish beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stores.cassandra.entry import VERSION, Entry, Fact
from stores.cassandra.facts import Effect, Facts
from stores.cassandra.outbox import CassandraOutbox
from stores.cassandra.publication import LEFT, Publication
from stores.ports import OutboxRecord


@dataclass(frozen=True, slots=True)
class WritePath:
    outbox: CassandraOutbox
    facts: Facts
    publication: Publication

    def entry(self, fact: Fact, records: Sequence[OutboxRecord]) -> Entry:
        return Entry(VERSION, self.outbox.now_us(), fact, tuple(records))

    async def write(self, entry: Entry) -> Effect:
        """Commits and makes the effects; raises Unavailable where the outcome is not known.

        It is then either as if nothing had happened or, once the row is in the outbox, finished by
        the relay. Events are published only after the effects are made: a consumer finds them.
        """
        place = await self.outbox.commit(entry)
        effect = await self.facts.apply(entry)
        if effect.changed and effect.overtaken_by is not None:
            # The relay tells of the state that stands, too.
            LEFT.labels("overtaken").inc()
        else:
            self.publication.offer(place, entry.records if effect.changed else ())
        return effect

    async def finish(self, entry: Entry) -> Effect:
        """Completes somebody else's write, who may have died over it; its events go by the relay."""
        await self.outbox.commit(entry)
        return await self.facts.apply(entry)
