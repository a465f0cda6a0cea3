"""Machine numbers, one row each, taken and prolonged by lightweight transactions."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from cassandra import ConsistencyLevel

from core.errors import Unavailable
from core.ids import IMPORTER_DATACENTER, IMPORTER_MACHINE
from stores.cassandra.session import CassandraSession, Statement
from stores.ports import MachineLease

_DATACENTERS = list(range(32))
_ALL = Statement(
    "SELECT datacenter, machine, owner, expires_ms, last_ms FROM ks.leases WHERE datacenter IN ?"
)
_ONE = Statement(
    "SELECT datacenter, machine, owner, expires_ms, last_ms FROM ks.leases "
    "WHERE datacenter = ? AND machine = ?",
    ConsistencyLevel.LOCAL_SERIAL,
)
_TAKE_NEW = Statement(
    "INSERT INTO ks.leases (datacenter, machine, owner, expires_ms, last_ms) VALUES (?, ?, ?, ?, ?) "
    "IF NOT EXISTS",
    conditional=True,
)
_CHANGE = Statement(
    "UPDATE ks.leases SET owner = ?, expires_ms = ?, last_ms = ? WHERE datacenter = ? AND machine = ? "
    "IF owner = ? AND expires_ms = ? AND last_ms = ?",
    conditional=True,
)


class _Lease(NamedTuple):
    datacenter: int
    machine: int
    owner: str
    expires_ms: int
    last_ms: int

    @property
    def node(self) -> tuple[int, int]:
        return self.datacenter, self.machine


class CassandraLeases:
    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self._nodes: dict[str, tuple[int, int]] = {}
        # Those of one process take their turns; others are met in the transaction.
        self._taking = asyncio.Lock()

    async def lease(self, owner: str, now_ms: int, ttl_ms: int) -> MachineLease:
        async with self._taking:
            known = {lease.node: lease for lease in await self._all()}
            # Asking again, after an answer that did not arrive, must not leave the owner with two
            # numbers; the first stays taken until its time is over.
            for lease in [lease for lease in known.values() if lease.owner == owner]:
                await self._change(lease, lease._replace(owner=""))
            for number in range(IMPORTER_DATACENTER * 32 + IMPORTER_MACHINE):
                node = divmod(number, 32)
                held = known.get(node)
                # Both bounds: a clock that was stepped back must not mint a former holder's ids.
                if held is not None and (held.expires_ms >= now_ms or held.last_ms >= now_ms):
                    continue
                last_ms = 0 if held is None else max(held.expires_ms, held.last_ms)
                if await self._take(held, _Lease(*node, owner, now_ms + ttl_ms, last_ms)):
                    self._nodes[owner] = node
                    return MachineLease(*node, last_ms)
        raise Unavailable("every machine number is leased; stop a process or wait for a lease to end")

    async def renew(self, owner: str, now_ms: int, ttl_ms: int, last_ms: int) -> bool:
        while (lease := await self._of(owner)) is not None:
            # Never shortened: the wall clock may have stepped back, the time promised has not.
            expires_ms = max(lease.expires_ms, now_ms + ttl_ms)
            if await self._change(
                lease, lease._replace(expires_ms=expires_ms, last_ms=max(lease.last_ms, last_ms))
            ):
                return True
        return False

    async def release(self, owner: str, last_ms: int) -> None:
        while (lease := await self._of(owner)) is not None:
            last_ms = max(lease.last_ms, last_ms)
            if await self._change(lease, lease._replace(owner="", expires_ms=0, last_ms=last_ms)):
                break
        self._nodes.pop(owner, None)

    async def _all(self) -> list[_Lease]:
        return [_Lease(*row) for row in await self._session.rows(_ALL, _DATACENTERS)]

    async def _of(self, owner: str) -> _Lease | None:
        """The owner's lease as it stands now; None where it has none."""
        node = self._nodes.get(owner)
        if node is None:
            # Taken by an earlier life of this process.
            node = next((lease.node for lease in await self._all() if lease.owner == owner), None)
            if node is None:
                return None
        rows = await self._session.rows(_ONE, *node)
        lease = _Lease(*rows[0]) if rows else None
        return lease if lease is not None and lease.owner == owner else None

    async def _take(self, held: _Lease | None, wanted: _Lease) -> bool:
        if held is not None:
            return await self._change(held, wanted)
        outcome = await self._session.conditional(_TAKE_NEW, *wanted)
        return outcome.applied or _is(wanted, outcome.row)

    async def _change(self, held: _Lease, wanted: _Lease) -> bool:
        outcome = await self._session.conditional(_CHANGE, *wanted[2:], *held)
        return outcome.applied or _is(wanted, outcome.row)


def _is(wanted: _Lease, row: dict[str, object]) -> bool:
    """Whether what stood in the way is what was to be written: an earlier try of the same call."""
    return all(row.get(name) == getattr(wanted, name) for name in ("owner", "expires_ms", "last_ms"))
