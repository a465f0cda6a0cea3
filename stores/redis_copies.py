"""Writes to a shard of a Cluster that a failover must not take back: its replica has them, too."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from core.errors import Unavailable
from stores.redis_commands import pack, shard_key
from stores.redis_errors import ResponseError, translated
from stores.redis_options import Address
from stores.redis_slots import Shard
from stores.redis_topology import RedisTopology

COPY_PATIENCE_S = 5.0
"""So long writes wait for a replica that is there and does not keep up; then they go on without it."""
REQUESTS = 2
"""So many commands `request` is; each has an answer of one line."""

_SYNC_KEY = b"sync"
_SYNC_TTL_S = 60
_logger = structlog.get_logger("redis_cluster")


class ReplicaCopies:
    def __init__(self, topology: RedisTopology, *, timeout_s: float) -> None:
        self._topology = topology
        self._timeout_s = timeout_s
        self._behind_since_s: dict[Address, float] = {}

    def request(self, shard: Shard) -> list[bytes]:
        """What goes to the shard after the writes, over the same connection, packed."""
        return [
            # WAIT counts from this connection's last write; a command that changed nothing is none.
            pack(b"SET", shard_key(_SYNC_KEY, shard.tag), b"1", b"EX", _SYNC_TTL_S),
            pack(b"WAIT", 1, max(1, int(self._timeout_s * 500))),
        ]

    async def require(self, shard: Shard, copies: Any) -> None:
        """Raises Unavailable where a failover could take back what was just written.

        `copies` is the last answer to `request`.
        """
        address = shard.primary
        if isinstance(copies, ResponseError):
            raise translated(copies, str(address))
        if copies:
            self._behind_since_s.pop(address, None)
            return
        # The others know whether it still has a replica, and whether it still is who it was.
        now = {one.primary: one for one in (await self._topology.learn(last=address)).shards}
        if address not in now:
            raise Unavailable(f"redis at {address}: another node has taken over")
        now_s = asyncio.get_running_loop().time()
        if not now[address].replicas:
            return
        if now_s - self._behind_since_s.setdefault(address, now_s) < COPY_PATIENCE_S:
            raise Unavailable(f"redis at {address}: its replica does not have it yet")
        _logger.warning("redis_replica_behind", primary=str(address))
