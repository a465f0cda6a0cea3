"""How every fact is written: commit in the outbox, upsert the tables, answer; publish beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stores.cassandra.entry import VERSION, Entry
from stores.cassandra.fact import EdgeFact, Fact
from stores.cassandra.facts import Effect, Facts
from stores.cassandra.idempotency import Idempotency
from stores.cassandra.outbox import CassandraOutbox
from stores.cassandra.publication import LEFT, Publication
from stores.ports import IdempotentAnswer, OutboxRecord, Written


@dataclass(frozen=True, slots=True)
class WritePath:
    outbox: CassandraOutbox
    facts: Facts
    publication: Publication
    idempotency: Idempotency

    def entry(
        self, fact: Fact, records: Sequence[OutboxRecord], answer: IdempotentAnswer | None = None
    ) -> Entry:
        return Entry(VERSION, self.outbox.now_us(), fact, tuple(records), answer)

    def now_ms(self) -> int:
        return self.outbox.now_us() // 1000

    async def write(self, entry: Entry) -> Effect:
        """Commits and makes the effects; raises Unavailable where the outcome is not known.

        It is then either as if nothing had happened or, once the row is in the outbox, finished by
        the relay. Events are published only after the effects are made: a consumer finds them.
        """
        place = await self.outbox.commit(entry)
        effect = await self.facts.apply(entry)
        if effect.changed and effect.overtaken:
            # The relay tells of the state that stands, too.
            LEFT.labels("overtaken").inc()
        else:
            self.publication.offer(place, entry.records if effect.changed else ())
        return effect

    async def change_edge(
        self, edge: EdgeFact, records: Sequence[OutboxRecord], answer: IdempotentAnswer | None
    ) -> Written:
        """Writes an edge where its version is above those that were read before it."""
        newest = edge.before.newest
        return await self.change(
            self.entry(edge, records), answer, edge.ver, newest, is_same=edge.before.is_on == edge.on
        )

    async def change(
        self, entry: Entry, answer: IdempotentAnswer | None, ver: int, newest: int, *, is_same: bool
    ) -> Written:
        """As `write_once`, where version `newest` stands; `is_same` says in the state that is wanted."""
        if newest < ver or is_same:
            return await self.write_once(entry, answer, is_news=newest < ver)
        # The key stays unused; it may have been used before.
        first = None if answer is None else await self.first(entry.user, answer.key, self.now_ms())
        return Written(False, first, newest if first is None else None)

    async def write_once(
        self, entry: Entry, answer: IdempotentAnswer | None, *, is_news: bool = True
    ) -> Written:
        """Writes unless the key was used before; what `is_news` says is no news has its answer kept only."""
        first = await self.claim(entry, answer)
        if first is not None or not is_news:
            return Written(False, first)
        return Written((await self.write(entry)).changed)

    async def claim(self, entry: Entry, answer: IdempotentAnswer | None) -> IdempotentAnswer | None:
        """Makes the key stand for `entry`; the first answer where it stands for another, now complete."""
        if answer is None:
            return None
        first = await self.idempotency.claim(entry.user, answer, entry)
        if first is None:
            return None
        await self._complete(first.entry)
        return first.answer

    async def first(self, user: int, key: str, now_ms: int) -> IdempotentAnswer | None:
        """What a key was first used for; that write is complete."""
        first = await self.idempotency.first_use(user, key, now_ms)
        if first is None:
            return None
        await self._complete(first.entry)
        return first.answer

    async def settle(self, entry: Entry) -> bool:
        """Completes a write that holds a claim; False where its key stands for another: it never will be."""
        if entry.answer is not None and not await self.facts.begun(entry):
            first = await self.idempotency.claim(entry.user, entry.answer, entry)
            if first is not None:
                return False
        await self._complete(entry)
        return True

    async def _complete(self, entry: Entry) -> None:
        """Somebody else's write, who may have died over it; its events go by the relay."""
        # What has an effect was committed; the others may be missing.
        if not await self.facts.begun(entry):
            await self.outbox.commit(entry)
        await self.facts.apply(entry)
