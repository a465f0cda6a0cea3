"""The online rows, brought back from the offline source where there is no stream to do it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from feast import FeatureStore

from core.errors import Unavailable
from features.packed_store import PackedStore

_SINCE = datetime(1970, 1, 1, tzinfo=UTC)
# As far ahead of the clock as the stream takes events.
_AHEAD = timedelta(days=1)


async def materialize(store: FeatureStore, rows: PackedStore, *, epoch: bytes, now_ms: int) -> None:
    """Offers Redis the newest row of every entity in the offline source.

    Where not every row is there, it says that they are at the end, under the marker `epoch`: readers
    then take what is missing for unknown. A stream that starts meanwhile takes over from it. Raises
    Unavailable where Redis is away, or was emptied meanwhile.
    """
    incomplete = await rows.epoch() is None
    if incomplete:
        await rows.mark(epoch)
    end = datetime.fromtimestamp(now_ms / 1_000, UTC) + _AHEAD
    await asyncio.to_thread(store.materialize, _SINCE, end)
    if incomplete and not await rows.complete(epoch) and await rows.epoch() is None:
        raise Unavailable("Redis was emptied meanwhile, or a features stream has just begun: look again")
