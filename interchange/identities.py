"""Our ids for a dataset's people and tweets, and ids for every event that an import makes.

All are Snowflakes of the importer's number, minted in the moment that they speak of. They are a
function of the dataset alone, so that an interrupted import makes the same ones again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import numpy as np
import polars as pl

from core.errors import ConfigurationError
from core.ids import EPOCH_MS, IMPORTER_DATACENTER, IMPORTER_MACHINE, MAX_TIME_MS, compose_id
from stores.ports import ControlStore, Ids

Exists = Callable[[Ids], Awaitable[set[int]]]
"""Which of some ids something is stored under."""

_SEQUENCE_BITS = 12
_NODE = compose_id(EPOCH_MS, IMPORTER_DATACENTER, IMPORTER_MACHINE, 0)
_MAP_BATCH = 5_000
_STEP_ASIDE_MS = 1_000


def allot(streams: Sequence[Ids], salt: int) -> list[Ids]:
    """Distinct ids for the moments of all streams: int64 [n] of milliseconds in, int64 [n] of ids out.

    Ids rise with (moment, stream, place in the stream). The sequence of each millisecond begins at
    `salt` (0 to 2,047), so that two imports seldom make the same id; a millisecond with more ids than
    it holds runs over into the next ones.
    """
    at_ms = np.concatenate([*streams, np.empty(0, np.int64)])
    if at_ms.size and not (at_ms.min() >= EPOCH_MS and at_ms.max() < MAX_TIME_MS - _STEP_ASIDE_MS):
        raise ValueError("a moment is outside what a Snowflake can hold")
    order = np.argsort(at_ms, kind="stable")
    wanted = ((at_ms[order] - EPOCH_MS) << _SEQUENCE_BITS) + salt
    # slot[i] = max(wanted[i], slot[i - 1] + 1), which is a running maximum once i is taken off.
    places = np.arange(at_ms.size)
    slots = np.maximum.accumulate(wanted - places) + places
    ids = np.empty(at_ms.size, np.int64)
    ids[order] = (slots >> _SEQUENCE_BITS << 22) | _NODE | (slots & ((1 << _SEQUENCE_BITS) - 1))
    return np.split(ids, np.cumsum([len(stream) for stream in streams])[:-1])


class Identities:
    """Maps a dataset's ids to ours, through the stored mapping.

    Ids that something else is stored under are stepped aside from, by whole seconds. What an
    import mapped but did not live to store is not seen by another import: each should be run to its end.
    """

    def __init__(self, control: ControlStore, salt: int) -> None:
        self._control = control
        self._salt = salt
        self._aside: set[int] = set()

    async def map(
        self, namespace: str, external: Sequence[str], at_ms: Ids, candidates: Ids, exists: Exists
    ) -> Ids:
        """Our ids of `external`: the stored ones, else `candidates`; all int64 [n]."""
        mapped: list[Ids] = []
        for start in range(0, len(external), _MAP_BATCH):
            part = slice(start, start + _MAP_BATCH)
            free = await self._step_aside(at_ms[part], candidates[part], candidates, exists)
            mint = free.tolist().__getitem__
            mapped.append(await self._control.map_external_ids(namespace, external[part], mint))
        return np.concatenate([*mapped, np.empty(0, np.int64)])

    async def _step_aside(self, at_ms: Ids, ids: Ids, ours: Ids, exists: Exists) -> Ids:
        """`ids`, those replaced that are taken; none of the new ones is in `ours` or repeated."""
        free = ids.copy()
        clashing = np.flatnonzero(np.isin(free, list(await exists(free))))
        aside_ms = 0
        while clashing.size:
            aside_ms += _STEP_ASIDE_MS
            (fresh,) = allot([at_ms[clashing] + aside_ms], self._salt)
            unusable = await exists(fresh) | self._aside | set(np.intersect1d(fresh, ours).tolist())
            usable = ~np.isin(fresh, list(unusable))
            free[clashing[usable]] = fresh[usable]
            self._aside |= set(fresh[usable].tolist())
            clashing = clashing[~usable]
        return free


def mapping_frame(external: pl.Series, ids: Ids) -> pl.DataFrame:
    """The mapping as a table to join with: columns `external` and `id`."""
    frame = pl.DataFrame({"external": external, "id": pl.Series(ids, dtype=pl.Int64)})
    if frame.get_column("id").n_unique() != frame.get_column("external").n_unique():
        raise ConfigurationError(
            "two of the source's ids are mapped to one of ours: the stored mapping was written by two "
            "imports at once. Import into a fresh data directory, one import after the other."
        )
    return frame
