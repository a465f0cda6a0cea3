"""Packed rows in Redis: their keys, and the one writer.

There is one writer, the features stream, and it writes a key's rows in the order in which they came
to be; so a row never replaces a newer one, without a comparison in Redis. (Who brings rows back from
the offline source offers them: there Redis compares.) Beside the rows the stream keeps
a marker that it changes with every write: a Redis that was emptied, or came back from an older
copy, does not hold the marker that was written last. A second key says that all rows have been
written since Redis was last empty: until then readers take none of them for the whole.

A Cluster loses its memory shard by shard, so every shard has both keys, and all markers have to be
the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

from features.accumulate import Entity, PackedRow
from features.schema import ViewName
from stores.redis_client import RedisClient
from stores.redis_commands import Command, command, script, shard_key

EPOCH_KEY = b"f:epoch"
COMPLETE_KEY = b"f:complete"
_EPOCH_TTL_S = 86_400


def row_key(view: ViewName, entity: Entity) -> bytes:
    """`f:{view}:{entity}`; a pair carries its viewer as hash tag, `f:va:{viewer}:author`."""
    if isinstance(entity, tuple):
        return b"f:%b:{%d}:%d" % (view.encode(), *entity)
    return b"f:%b:%d" % (view.encode(), entity)


# A row's time and sequence number, as they stand in its header.
_OFFER = """
local there = redis.call('GET', KEYS[1])
if there and #there >= 12 then
  local time, seq = struct.unpack('<I4I4', there, 5)
  local new_time, new_seq = struct.unpack('<I4I4', ARGV[1], 5)
  if time > new_time or (time == new_time and seq >= new_seq) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""

_COMPLETE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], '1', 'EX', ARGV[2])
return 1
"""


class ExpiringRow(NamedTuple):
    """What Redis keeps under a key, and for how many seconds: a row, or a viewer's list."""

    key: bytes
    packed: bytes
    ttl_s: int

    @classmethod
    def of(cls, row: PackedRow, ttl_s: int) -> Self:
        return cls(row_key(row.view, row.entity), row.packed, ttl_s)


class PackedStore:
    """Writes rows. Raises Unavailable where Redis is away or slower than the client's timeouts."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    async def mark(self, epoch: bytes) -> None:
        """Sets the marker, whatever it was: the start of writing every row anew."""
        tags = await self._client.shards()
        await self._client.calls([_set(shard_key(EPOCH_KEY, tag), epoch, _EPOCH_TTL_S) for tag in tags])

    async def write(self, rows: Sequence[ExpiringRow], *, was: bytes, epoch: bytes) -> bool:
        """Sets the rows, then changes the marker from `was` to `epoch`.

        False where the marker was not `was`: rows that were written before are gone or old, and
        all have to be written anew. Not atomic: after Unavailable any part may be there.
        """
        tags = await self._client.shards()
        commands = [_set_row(*row) for row in rows]
        # XX: a marker that went with its rows does not come back before they do.
        words = (epoch, b"XX", b"GET", b"EX", _EPOCH_TTL_S)
        commands += [command(b"SET", shard_key(EPOCH_KEY, tag), *words) for tag in tags]
        answers = await self._client.calls(commands)
        return all(answer == was for answer in answers[len(rows) :])

    async def offer(self, rows: Sequence[ExpiringRow]) -> int:
        """Sets each row where there is none that is as new; how many were set.

        The marker stays as it is. After Unavailable any part may be there.
        """
        commands = [script(_OFFER, [key], packed, max(1, ttl_s)) for key, packed, ttl_s in rows]
        return sum(await self._client.calls(commands))

    async def complete(self, epoch: bytes) -> bool:
        """Says that every row has been written: from now on readers may use them.

        False, and nothing said on that shard, where the marker is not `epoch`: rows that were written
        may be gone.
        """
        tags = await self._client.shards()
        commands = [
            script(
                _COMPLETE, [shard_key(name, tag) for name in (EPOCH_KEY, COMPLETE_KEY)], epoch, _EPOCH_TTL_S
            )
            for tag in tags
        ]
        return all(await self._client.calls(commands))

    async def forget(self) -> None:
        """Takes marker and completeness away, as a Redis that was emptied has neither.

        Readers take no row for the whole from then on, and the stream writes all of them anew.
        """
        tags = await self._client.shards()
        keys = [shard_key(name, tag) for name in (EPOCH_KEY, COMPLETE_KEY) for tag in tags]
        await self._client.calls([command(b"UNLINK", key) for key in keys])

    async def epoch(self) -> bytes | None:
        """The marker as it stands, its life prolonged.

        None where it or the word of completeness is gone, or where shards do not have the same one.
        """
        tags = await self._client.shards()
        keys = [shard_key(name, tag) for name in (EPOCH_KEY, COMPLETE_KEY) for tag in tags]
        found = await self._client.calls([command(b"GETEX", key, b"EX", _EPOCH_TTL_S) for key in keys])
        markers, complete = set(found[: len(tags)]), found[len(tags) :]
        marker = markers.pop()
        return marker if isinstance(marker, bytes) and not markers and None not in complete else None


def _set_row(key: bytes, packed: bytes, ttl_s: int) -> Command:
    """As `_set`, in one step: the stream writes ten thousands of these a second."""
    life = b"%d" % max(1, ttl_s)
    return Command(
        key,
        b"*5\r\n$3\r\nSET\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$2\r\nEX\r\n$%d\r\n%b\r\n"
        % (len(key), key, len(packed), packed, len(life), life),
    )


def _set(key: bytes, value: bytes, ttl_s: int) -> Command:
    return command(b"SET", key, value, b"EX", ttl_s)
