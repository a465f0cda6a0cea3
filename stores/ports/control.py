"""Documents that steer the processes, machine numbers, and other people's ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from stores.ports.records import Ids


class Versioned(NamedTuple):
    """A control document and the version to name when changing it."""

    value: bytes
    version: int


class MachineLease(NamedTuple):
    """A machine number held for a while, and the last millisecond its former holder minted in."""

    datacenter: int
    machine: int
    last_ms: int


class ControlStore(Protocol):
    """Small documents that steer the processes: aliases, objectives, leases, id mappings."""

    async def get(self, key: str) -> Versioned | None: ...

    async def compare_and_set(self, key: str, value: bytes, *, expected: int) -> bool:
        """Writes version `expected + 1` where the version is still `expected` (0: not there).

        False after Unavailable may be the call's own first try: read, and compare the value.
        """
        ...

    async def lease_machine(self, owner: str, *, now_ms: int, ttl_ms: int) -> MachineLease:
        """Takes a machine number that nobody holds; raises Unavailable where all are held."""
        ...

    async def renew_machine(self, owner: str, *, now_ms: int, ttl_ms: int, last_ms: int) -> bool:
        """Prolongs the owner's lease; False where it is no longer the owner's."""
        ...

    async def release_machine(self, owner: str, *, last_ms: int) -> None: ...

    async def map_external_ids(
        self, namespace: str, external_ids: Sequence[str], mint: Callable[[int], int]
    ) -> Ids:
        """Our ids for someone else's: int64 [n], the stored ones, else `mint(position)`.

        `mint` must not return an id that is mapped already.
        """
        ...
