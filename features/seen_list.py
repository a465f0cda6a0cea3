"""What a viewer has looked at: the roots of the newest looks, `sv:{viewer}`, so that ranking can tell.

u8 0xF6 | u8 format=1 | 6 bytes 0 | i64[n], little-endian, oldest first

Whatever somebody does to a tweet, but to report it, says that they have looked at it. A second look at it
changes nothing, so most events leave the list as it is, and counting one twice does no harm. The lists
belong to the features stream, as the rows do: its file is their truth, and Redis a projection of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.accumulate import Observation
from features.schema import DAY_S, ENGAGEMENTS

KEPT = 512
"""More than twice what is ranked at once by default: of the newest tweets of a network, what was looked at
is in it but for viewers who look at more than all of those a day."""
TTL_S = 90 * DAY_S
"""As long as a viewer's row."""

_HEADER = b"\xf6\x01\0\0\0\0\0\0"
_ID_BYTES = 8
_LOOKS = frozenset(ENGAGEMENTS)


class SeenList(NamedTuple):
    """A list, packed, and whose it is."""

    viewer: int
    packed: bytes


def seen_key(viewer: int) -> bytes:
    """Tagged by its viewer, as all of a viewer's keys."""
    return b"sv:{%d}" % viewer


def decode_seen(packed: bytes | None) -> NDArray[np.int64] | None:
    """int64 [n]; None for none, and for a list of another format."""
    if packed is None or packed[: len(_HEADER)] != _HEADER or len(packed) % _ID_BYTES:
        return None
    return np.frombuffer(packed, "<i8", offset=len(_HEADER))


class SeenLists:
    """Lists in memory, a cache of the file: `unknown` says which are to be loaded before `apply`."""

    def __init__(self) -> None:
        self._lists: dict[int, bytes] = {}
        self._changed: set[int] = set()

    def unknown(self, observations: Iterable[Observation]) -> list[int]:
        """The viewers whose lists these concern and that are not in memory, each once."""
        viewers = {one.viewer for one in observations if one.kind in _LOOKS and one.weight > 0}
        return [viewer for viewer in viewers if viewer not in self._lists]

    def load(self, viewer: int, packed: bytes) -> None:
        """Goes on from a packed list; one of another format starts anew."""
        if decode_seen(packed) is not None:
            self._lists[viewer] = packed

    def apply(self, observation: Observation) -> None:
        """What takes something back was a look all the same, of before."""
        _, kind, viewer, _, tweet, _, weight, _ = observation
        if kind not in _LOOKS or weight <= 0:
            return
        there, id_ = self._lists.get(viewer, _HEADER), tweet.to_bytes(_ID_BYTES, "little")
        if _has(there, id_):
            return
        first = len(there) - (KEPT - 1) * _ID_BYTES
        if first > len(_HEADER):
            there = _HEADER + there[first:]
        self._lists[viewer] = there + id_
        self._changed.add(viewer)

    def drain(self) -> list[SeenList]:
        """The lists that changed since the last drain."""
        drained = [SeenList(viewer, self._lists[viewer]) for viewer in self._changed]
        self._changed.clear()
        return drained

    def clear(self) -> None:
        """Forgets every list, drained or not."""
        self._lists.clear()
        self._changed.clear()

    def __len__(self) -> int:
        return len(self._lists)


def _has(packed: bytes, id_: bytes) -> bool:
    at = packed.find(id_, len(_HEADER))
    while at % _ID_BYTES and at > 0:
        # Amid two others.
        at = packed.find(id_, at + 1)
    return at > 0
