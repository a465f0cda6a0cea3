"""Whether Redis has the lists of all who are active, or lost them.

That a list is not there says nothing: its viewer may not be active. So beside the lists is a marker,
`ph:warm`, which says that all of them were there. A Redis that was emptied does not have it. A Cluster
loses its memory shard by shard, so every shard has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stores.redis_client import RedisClient
from stores.redis_commands import command, script, shard_key
from stores.redis_errors import ResponseError
from timelines.layout import COMPLETE, CUT, timeline_key
from timelines.merge import lock_key

MARKER_KEY = b"ph:warm"
MARKER_TTL_S = 24 * 3600
WARM = b"warm"

# Until all lists are there, the marker is the token of who heats: one that went with its shard meanwhile
# does not come back as if that had never been.
_BEGIN = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""
_FINISH = """
local marker = redis.call('GET', KEYS[1])
if marker == ARGV[2] then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3]) end
return (marker == ARGV[1] or marker == ARGV[2]) and 1 or 0
"""


class Looked(NamedTuple):
    """Whose list is not there or was left half built, and whose is being built just now."""

    cold: list[int]
    building: list[int]


class Warmth:
    """As one who may heat them sees it; `token` is its own. Everything raises Unavailable."""

    def __init__(self, redis: RedisClient, token: bytes) -> None:
        self._redis = redis
        self._token = token

    async def is_warm(self) -> bool:
        """Whether no shard lost its lists since they were all there; prolongs the markers' lives."""
        tags = await self._redis.shards()
        reads = [command(b"GETEX", shard_key(MARKER_KEY, tag), b"EX", MARKER_TTL_S) for tag in tags]
        return all(marker == WARM for marker in await self._redis.calls(reads))

    async def begin(self) -> bool:
        """Marks the shards that are not warm as ours; False where all are."""
        return any(await self._mark(_BEGIN))

    async def stands(self) -> bool:
        """Whether it is still ours, and no shard has lost its lists again."""
        tags = await self._redis.shards()
        reads = [command(b"GET", shard_key(MARKER_KEY, tag)) for tag in tags]
        return all(marker in (WARM, self._token) for marker in await self._redis.calls(reads))

    async def finish(self) -> bool:
        """Says that all lists are there; False where a shard has lost them since they were looked at."""
        return all(await self._mark(_FINISH))

    async def look(self, viewers: Sequence[int]) -> Looked:
        """How the lists of these are, in one round trip."""
        answers = await self._redis.answers(
            [
                one
                for viewer in viewers
                for one in (
                    command(b"LINDEX", timeline_key(viewer), -1),
                    command(b"EXISTS", lock_key(viewer)),
                )
            ]
        )
        looked = Looked([], [])
        for viewer, tail, locked in zip(viewers, answers[::2], answers[1::2], strict=True):
            # What is no list is not ours: it goes when its viewer reads.
            if tail not in (COMPLETE, CUT) and not isinstance(tail, ResponseError):
                (looked.building if locked else looked.cold).append(viewer)
        return looked

    async def _mark(self, source: str) -> list[int]:
        tags = await self._redis.shards()
        keys = [shard_key(MARKER_KEY, tag) for tag in tags]
        marks: list[int] = await self._redis.calls(
            [script(source, [key], WARM, self._token, MARKER_TTL_S) for key in keys]
        )
        return marks
