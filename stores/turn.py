"""Whose turn it is, among processes that could all do the same work: one document, by compare-and-set.

For work that may be done twice and need not be. Whoever has the turn writes the document anew again and
again; another takes it once it has seen it unchanged for as long as a turn lasts, by its own monotonic
clock. So clocks that disagree do no harm, and one that dies is followed within that time. An owner that
comes back under the same name goes on at once.
"""

from __future__ import annotations

from core.clock import Clock
from stores.ports import ControlStore

TURN_S = 5.0
RENEWAL_S = 2.0

NOBODY = b""


class Turn:
    def __init__(self, control: ControlStore, clock: Clock, key: str, owner: str) -> None:
        self._control = control
        self._clock = clock
        self._key = key
        self._owner = owner.encode()
        self._mine = False
        self._version = -1
        self._since_s = 0.0
        """Since when the document has been known in this version."""

    async def is_ours(self) -> bool:
        """Whether to do the work now. Raises Unavailable where the store cannot say."""
        now_s = self._clock.monotonic_s()
        if self._mine and now_s - self._since_s < RENEWAL_S:
            return True
        # Until the store has said so again: a call that fails must not leave it with us.
        self._mine = False
        stored = await self._control.get(self._key)
        version, holder = (0, NOBODY) if stored is None else (stored.version, stored.value)
        if version != self._version:
            self._version, self._since_s = version, now_s
        if holder in (NOBODY, self._owner) or now_s - self._since_s >= TURN_S:
            self._mine = await self._control.compare_and_set(self._key, self._owner, expected=version)
            if self._mine:
                self._version, self._since_s = version + 1, now_s
        return self._mine

    async def pass_on(self) -> None:
        """Leaves it to the others at once. Raises Unavailable; they then wait as after a death."""
        if self._mine:
            self._mine = False
            await self._control.compare_and_set(self._key, NOBODY, expected=self._version)
