"""A Redis Cluster behind the client: each key at its node, all nodes side by side.

Not redis-py's cluster client: that one tries again behind our back for seconds, takes a whole
pipeline for failed when one shard is, and needs 5 to 10 times as long for many keys
(bench/cluster_paths.py). A shard that is away fails what lives there and nothing else. Its failure
makes us ask the other nodes where its slots are, so a failover heals by itself; what failed
meanwhile is not repeated here, because its callers know how.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import Unavailable
from stores.ports import Ids
from stores.redis_client import Found, RedisClient
from stores.redis_cluster_spread import ClusterSpread
from stores.redis_commands import Command, command, pack, shard_key
from stores.redis_copies import REQUESTS, ReplicaCopies
from stores.redis_errors import ResponseError, translated
from stores.redis_node import RedisNode
from stores.redis_options import Address
from stores.redis_single import scan_node
from stores.redis_slots import NOBODY, Shard, SlotMap, redirect_of
from stores.redis_spread import Spread, last_line
from stores.redis_topology import RedisTopology

ROUNDS = 3
"""So often a command is sent where it was redirected to; slots that move on still are unavailable."""
_ASKING = pack(b"ASKING")


@dataclass(slots=True)
class _Outcome:
    """What became of some commands, by their positions."""

    answers: list[Any]
    failures: dict[int, Unavailable] = field(default_factory=dict)
    moved: list[int] = field(default_factory=list)
    moved_to: Address | None = None


class RedisCluster(RedisClient):
    def __init__(
        self, seeds: Sequence[Address], make_node: Callable[[Address], RedisNode], *, timeout_s: float
    ) -> None:
        self._topology = RedisTopology(seeds, make_node, timeout_s=timeout_s)
        self._copies = ReplicaCopies(self._topology, timeout_s=timeout_s)

    async def answers(self, commands: Sequence[Command], *, copied: bool = False) -> list[Any]:
        outcome = _Outcome([None] * len(commands))
        rest: Sequence[int] = range(len(commands))
        slot_map = await self._topology.current()
        for _ in range(ROUNDS):
            groups = {
                owner: [rest[i] for i in positions]
                for owner, positions in slot_map.group([commands[i].key for i in rest]).items()
            }
            await self._round(slot_map, groups, commands, outcome, copied)
            if outcome.failures:
                raise next(iter(outcome.failures.values()))
            if not outcome.moved:
                return outcome.answers
            rest, outcome.moved = outcome.moved, []
            slot_map = await self._topology.learn(first=outcome.moved_to)
        raise Unavailable("redis: slots are on the move from node to node")

    async def spread(self, spreads: Sequence[Spread], *, copied: bool = False) -> list[Ids]:
        slot_map = await self._topology.current()
        spread = ClusterSpread(spreads, slot_map)
        errands = [self._spread(slot_map, owner, spread, copied) for owner in spread.owners]
        for failure in [one for one in await asyncio.gather(*errands) if one is not None]:
            raise failure
        # Slots on the move: rare enough to go the common way.
        moved = [command for command, _, _ in spread.elsewhere]
        answers = await self.answers(moved, copied=copied) if moved else []
        for (_, of, position), answer in zip(spread.elsewhere, answers, strict=True):
            if isinstance(answer, ResponseError):
                spread.errors.append(answer)
            else:
                spread.numbers[of][position] = answer
        for error in spread.errors:
            raise error
        return spread.numbers

    async def find(self, keys: Sequence[bytes], *, mark: bytes | None = None) -> Found:
        outcome = _Outcome([])
        slot_map: SlotMap | None = None
        for _ in range(ROUNDS):
            try:
                slot_map = await (
                    self._topology.current()
                    if slot_map is None
                    else self._topology.learn(first=outcome.moved_to)
                )
            except Unavailable as exc:
                return _nothing(keys, exc)
            groups = slot_map.group(keys)
            commands = [Command(key, b"*2\r\n$3\r\nGET\r\n$%d\r\n%b\r\n" % (len(key), key)) for key in keys]
            for owner, positions in groups.items() if mark is not None else ():
                if owner != NOBODY:
                    # Behind the values: a shard emptied between the two answers would not be noticed.
                    positions.append(len(commands))
                    commands.append(command(b"GET", shard_key(mark or b"", slot_map.shards[owner].tag)))
            outcome = _Outcome([None] * len(commands))
            await self._round(slot_map, groups, commands, outcome, copied=False)
            # Marks belong to the shards of one map: what has moved is all asked again.
            if not outcome.moved:
                return _found(outcome, len(keys))
        return _nothing(keys, Unavailable("redis: slots are on the move from node to node"))

    async def shards(self) -> tuple[bytes, ...]:
        return tuple(shard.tag for shard in (await self._topology.current()).shards)

    async def scan(self, pattern: bytes) -> list[bytes]:
        found: dict[bytes, None] = {}
        for shard in (await self._topology.current()).shards:
            try:
                found |= dict.fromkeys(await scan_node(self._topology.node(shard.primary), pattern))
            except Unavailable:
                self._topology.suspect(shard.primary)
                raise
        return list(found)

    async def ping(self) -> None:
        slot_map = await self._topology.current()
        if not slot_map.whole:
            self._topology.suspect(None)
            raise Unavailable("redis: some slots of the Cluster are on no node")
        await self.calls([command(b"GET", shard_key(b"ping", shard.tag)) for shard in slot_map.shards])

    async def aclose(self) -> None:
        await self._topology.aclose()

    async def _round(
        self,
        slot_map: SlotMap,
        groups: dict[int, list[int]],
        commands: Sequence[Command],
        outcome: _Outcome,
        copied: bool,
    ) -> None:
        """Sends every group to its node and notes what becomes of it."""
        errands = []
        for owner, positions in groups.items():
            if owner == NOBODY:
                self._topology.suspect(None)
                _fail(outcome, positions, Unavailable("redis: a slot of the Cluster is on no node"))
            else:
                errands.append(self._errand(slot_map.shards[owner], positions, commands, outcome, copied))
        if len(errands) == 1:
            await errands[0]
        else:
            await asyncio.gather(*errands)

    async def _errand(
        self,
        shard: Shard,
        positions: Sequence[int],
        commands: Sequence[Command],
        outcome: _Outcome,
        copied: bool,
    ) -> None:
        address = shard.primary
        watched = copied and bool(shard.replicas)
        packed = [commands[i].packed for i in positions]
        if watched:
            packed += self._copies.request(shard)
        try:
            answers = await self._topology.node(address).exchange(packed)
            asked = self._note(address, positions, answers, outcome)
            for i, to in asked:
                # A slot on its way from node to node: rare enough to go one by one.
                answer = (await self._topology.node(to).exchange([_ASKING, commands[i].packed]))[1]
                if self._note(to, [i], [answer], outcome):
                    raise Unavailable("redis: slots are on the move from node to node")
            if watched:
                await self._copies.require(shard, answers[-1])
        except Unavailable as exc:
            self._topology.suspect(address)
            _fail(outcome, positions, exc)

    def _note(
        self, address: Address, positions: Sequence[int], answers: Sequence[Any], outcome: _Outcome
    ) -> list[tuple[int, Address]]:
        """Notes answers and what has moved; returns what is to be asked for elsewhere this once."""
        asked = []
        for i, answer in zip(positions, answers, strict=False):
            outcome.answers[i] = answer
            if not isinstance(answer, ResponseError):
                continue
            redirect = redirect_of(answer, address)
            if redirect is None:
                error = translated(answer, str(address))
                if isinstance(error, Unavailable):
                    raise error from answer
            elif redirect.lasting:
                outcome.moved.append(i)
                outcome.moved_to = redirect.to
            else:
                asked.append((i, redirect.to))
        return asked

    async def _spread(
        self, slot_map: SlotMap, owner: int, spread: ClusterSpread, copied: bool
    ) -> Unavailable | None:
        """A shard's share of a spread; returns why it failed."""
        if owner == NOBODY:
            self._topology.suspect(None)
            return Unavailable("redis: a slot of the Cluster is on no node")
        shard, packed, count = slot_map.shards[owner], spread.packed(owner), spread.count(owner)
        watched = copied and bool(shard.replicas)
        if watched:
            packed += self._copies.request(shard)
            count += REQUESTS
        try:
            raw = await self._topology.node(shard.primary).exchange_lines(b"".join(packed), count)
            spread.note(owner, shard.primary, raw)
            if watched:
                await self._copies.require(shard, last_line(raw))
        except Unavailable as exc:
            self._topology.suspect(shard.primary)
            return exc
        return None


def _fail(outcome: _Outcome, positions: Iterable[int], failure: Unavailable) -> None:
    outcome.failures |= dict.fromkeys(positions, failure)


def _found(outcome: _Outcome, keys: int) -> Found:
    failure = next(iter(outcome.failures.values()), None)
    # As MGET says it: what is no string is no value.
    values = [None if isinstance(answer, ResponseError) else answer for answer in outcome.answers]
    unanswered = frozenset(i for i in outcome.failures if i < keys)
    for i in unanswered:
        values[i] = None
    return Found(values[:keys], values[keys:], unanswered, failure)


def _nothing(keys: Sequence[bytes], failure: Unavailable) -> Found:
    return Found([None] * len(keys), [], frozenset(range(len(keys))), failure)
