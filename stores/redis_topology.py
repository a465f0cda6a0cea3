"""Which node of a Redis Cluster has what, learned from the nodes and learned again when it changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from core.errors import Unavailable
from stores.redis_commands import pack
from stores.redis_node import RedisNode
from stores.redis_options import Address
from stores.redis_single import raised
from stores.redis_slots import SlotMap

LEARN_EVERY_S = 0.1
"""Nodes are asked so often at most, however many calls fail."""

_SLOTS = pack(b"CLUSTER", b"SLOTS")
_logger = structlog.get_logger("redis_topology")


class RedisTopology:
    """The newest map, and the nodes by address.

    Who answers changes from one look to the next: a node that the others have left behind tells
    what it believes, and must not be the only one who is asked.
    """

    def __init__(
        self, seeds: Sequence[Address], make_node: Callable[[Address], RedisNode], *, timeout_s: float
    ) -> None:
        self._seeds = tuple(seeds)
        self._make_node = make_node
        self._timeout_s = timeout_s
        self._nodes: dict[Address, RedisNode] = {}
        self._map: SlotMap | None = None
        self._turn = 0
        self._looking: asyncio.Task[Unavailable | None] | None = None
        self._looked_s = 0.0

    def node(self, address: Address) -> RedisNode:
        if address not in self._nodes:
            self._nodes[address] = self._make_node(address)
        return self._nodes[address]

    async def current(self) -> SlotMap:
        """The map as far as it is known; raises Unavailable where nobody has told it yet."""
        return await self.learn() if self._map is None else self._map

    async def learn(self, *, first: Address | None = None, last: Address | None = None) -> SlotMap:
        """A map from now on, beginning with the node `first`; `last` is asked if nobody else answers.

        Raises Unavailable where none answers in time.
        """
        looking = self._look(first, last)
        try:
            async with asyncio.timeout(self._timeout_s):
                failure = await asyncio.shield(looking)
        except TimeoutError as exc:
            raise Unavailable("redis: no node of the Cluster says in time where its slots are") from exc
        if failure is not None:
            raise failure
        assert self._map is not None
        return self._map

    def suspect(self, address: Address | None) -> None:
        """Says that a node failed a call, or a slot is nobody's: the others are asked, beside the work."""
        if asyncio.get_running_loop().time() - self._looked_s >= LEARN_EVERY_S:
            self._look(None, address)

    async def aclose(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        for node in self._nodes.values():
            node.close()

    def _look(self, first: Address | None, last: Address | None) -> asyncio.Task[Unavailable | None]:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._ask(first, last))
        return self._looking

    async def _ask(self, first: Address | None, last: Address | None) -> Unavailable | None:
        failure: Unavailable | None = None
        for address in self._order(first, last):
            node = self.node(address)
            try:
                (answer,) = raised(await node.exchange([_SLOTS]), node)
            except Unavailable as exc:
                # What a refusal says is worth more than that another one is away.
                failure = exc if failure is None or type(failure) is Unavailable else failure
                continue
            if (found := SlotMap.parse(answer, address)) is not None:
                self._adopt(found)
                return None
        self._looked_s = asyncio.get_running_loop().time()
        return failure or Unavailable("redis: the Cluster has no slots; see `redis-cli --cluster check`")

    def _order(self, first: Address | None, last: Address | None) -> list[Address]:
        known = [] if self._map is None else [shard.primary for shard in self._map.shards]
        known += [] if self._map is None else [one for shard in self._map.shards for one in shard.replicas]
        everybody = list(dict.fromkeys([*known, *self._seeds]))
        self._turn += 1
        at = self._turn % len(everybody)
        turned = [*everybody[at:], *everybody[:at]]
        # Python's sort keeps the order of equals.
        return [
            *([] if first is None else [first]),
            *sorted((one for one in turned if one != first), key=lambda one: one == last),
        ]

    def _adopt(self, found: SlotMap) -> None:
        self._looked_s = asyncio.get_running_loop().time()
        former = self._map
        self._map = found
        if former is not None and former.shards != found.shards:
            primaries = [str(shard.primary) for shard in found.shards]
            _logger.info("redis_slots_changed", primaries=primaries, whole=found.whole)
        wanted = {one for shard in found.shards for one in (shard.primary, *shard.replicas)}
        for address in self._nodes.keys() - wanted - set(self._seeds):
            self._nodes.pop(address).close()
