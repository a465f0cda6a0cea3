"""Packed rows in Redis: their keys, and the one writer.

There is one writer, the features stream, and it writes a key's rows in the order in which they came
to be; so a row never replaces a newer one, without a comparison in Redis. Beside the rows it keeps
a marker that it changes with every write: a Redis that was emptied, or came back from an older
copy, does not hold the marker that was written last. A second key says that all rows have been
written since Redis was last empty: until then readers take none of them for the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import redis.asyncio

from features.accumulate import Entity, PackedRow
from features.redis_wire import exchange, pack
from features.schema import ViewName

EPOCH_KEY = b"f:epoch"
COMPLETE_KEY = b"f:complete"
_EPOCH_TTL_S = 86_400


def row_key(view: ViewName, entity: Entity) -> bytes:
    """`f:{view}:{entity}`; a pair carries its viewer as hash tag, `f:va:{viewer}:author`."""
    if isinstance(entity, tuple):
        return b"f:%b:{%d}:%d" % (view.encode(), *entity)
    return b"f:%b:%d" % (view.encode(), entity)


class ExpiringRow(NamedTuple):
    """A row and how many seconds Redis keeps it."""

    row: PackedRow
    ttl_s: int


class PackedStore:
    """Writes rows. Raises Unavailable where Redis is away or slower than the client's timeouts."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client

    async def mark(self, epoch: bytes) -> None:
        """Sets the marker, whatever it was: the start of writing every row anew."""
        await exchange(self._client, [_set(EPOCH_KEY, epoch, _EPOCH_TTL_S)])

    async def write(self, rows: Sequence[ExpiringRow], *, was: bytes, epoch: bytes) -> bool:
        """Sets the rows, then changes the marker from `was` to `epoch`.

        False where the marker was not `was`: rows that were written before are gone or old, and
        all have to be written anew. Not atomic: after Unavailable any part may be there.
        """
        commands = [_set(row_key(row.view, row.entity), row.packed, max(1, ttl_s)) for row, ttl_s in rows]
        # XX: a marker that went with its rows does not come back before they do.
        ttl = b"%d" % _EPOCH_TTL_S
        commands.append(pack(b"SET", EPOCH_KEY, epoch, b"XX", b"GET", b"EX", ttl))
        answers = await exchange(self._client, commands)
        return bool(answers[-1] == was)

    async def complete(self) -> None:
        """Says that every row has been written: from now on readers may use them."""
        await exchange(self._client, [_set(COMPLETE_KEY, b"1", _EPOCH_TTL_S)])

    async def epoch(self) -> bytes | None:
        """The marker as it stands, its life prolonged; None where it or the word of completeness is gone."""
        ttl = b"%d" % _EPOCH_TTL_S
        marker, complete = await exchange(
            self._client, [pack(b"GETEX", key, b"EX", ttl) for key in (EPOCH_KEY, COMPLETE_KEY)]
        )
        return marker if isinstance(marker, bytes) and complete is not None else None


def _set(key: bytes, value: bytes, ttl_s: int) -> bytes:
    return pack(b"SET", key, value, b"EX", b"%d" % ttl_s)
