"""The version of a change: above what stands, whatever the clocks say (ADR 0044).

Versions are minted from the clock of the process that makes the change. What stands may have been
written by one whose clock is ahead, or by this machine before its clock was set back: then the store
answers `behind`, and the change is written again, just above that version.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from prometheus_client import Counter

from core.errors import Corrupt, Unavailable
from core.ids import ID_UNITS_A_MS, MAX_ID, id_time_ms
from eventlog.schema import Event, record_of
from stores.ports import OutboxRecord, Written

RAISED = Counter(
    "rankfeed_versions_raised_total", "Changes that had to be written above a version from a clock ahead"
)

TRIES = 8
"""Each but the first lost against somebody who changed the same at that very moment."""
_ABOVE = ID_UNITS_A_MS
"""A millisecond: one unit above a follow is where a block ends it."""
_HIGHEST = MAX_ID - _ABOVE
"""What a block ends stays within what ids can hold."""


class Moment(NamedTuple):
    """When a change is made: an id of now by this process's clock, and its version, which may be above it."""

    id: int
    ver: int

    @property
    def at_ms(self) -> int:
        return id_time_ms(self.id)

    def record(self, event: Event, key: int) -> OutboxRecord:
        """The event of the change. Its id and its time are those of now: consumers count and date by them."""
        return record_of(event, id=self.id, ts_ms=self.at_ms, key=key, ver=self.ver)


async def change(
    mint: Callable[[], int], write: Callable[[Moment], Awaitable[Written]]
) -> tuple[Written, Moment]:
    """Writes a change above every one that was acknowledged before; what became of it, and its moment.

    Raises Unavailable where others change the same all the time, and Corrupt where no id is above what
    stands. Nothing is written then.
    """
    standing = 0
    for _ in range(TRIES):
        id = mint()
        moment = Moment(id, max(id, standing + _ABOVE))
        if moment.ver > _HIGHEST:
            raise Corrupt(f"version {standing} leaves no room for a change above it")
        written = await write(moment)
        if written.behind is None:
            return written, moment
        standing = written.behind
        RAISED.inc()
    raise Unavailable(f"somebody else changed the same, {TRIES} times in a row")
