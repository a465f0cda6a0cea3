"""Control documents by compare-and-set, machine numbers, and other people's ids."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence

import numpy as np
from cassandra import ConsistencyLevel

from stores.cassandra.leases import CassandraLeases
from stores.cassandra.session import CassandraSession, Statement
from stores.ports import Ids, MachineLease, Versioned

_MAPPED_AT_ONCE = 64
"""Lightweight transactions under way at once: more only wait for one another."""

_GET = Statement("SELECT value, version FROM ks.control WHERE key = ?", ConsistencyLevel.LOCAL_SERIAL)
_CREATE = Statement(
    "INSERT INTO ks.control (key, value, version, writer) VALUES (?, ?, 1, ?) IF NOT EXISTS", conditional=True
)
_SET = Statement(
    "UPDATE ks.control SET value = ?, version = ?, writer = ? WHERE key = ? IF version = ?", conditional=True
)
_MAPPED = Statement("SELECT id FROM ks.external_ids WHERE namespace = ? AND external = ?")
_MAP = Statement(
    "INSERT INTO ks.external_ids (namespace, external, id) VALUES (?, ?, ?) IF NOT EXISTS", conditional=True
)
_WRITER = Statement("SELECT writer FROM ks.control WHERE key = ?", ConsistencyLevel.LOCAL_SERIAL)


class CassandraControlStore:
    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self._leases = CassandraLeases(session)

    async def get(self, key: str) -> Versioned | None:
        rows = await self._session.rows(_GET, key)
        return Versioned(*rows[0]) if rows else None

    async def compare_and_set(self, key: str, value: bytes, *, expected: int) -> bool:
        # A mark of this very call: of two who write the same value, only one has won.
        writer = secrets.token_bytes(12)
        if expected == 0:
            outcome = await self._session.conditional(_CREATE, key, value, writer)
        else:
            outcome = await self._session.conditional(_SET, value, expected + 1, writer, key, expected)
        if outcome.applied:
            return True
        if outcome.row.get("version") != expected + 1:
            return False
        # Perhaps an earlier try of this call, whose end it was not told.
        rows = await self._session.rows(_WRITER, key)
        return bool(rows) and rows[0][0] == writer

    async def lease_machine(self, owner: str, *, now_ms: int, ttl_ms: int) -> MachineLease:
        return await self._leases.lease(owner, now_ms, ttl_ms)

    async def renew_machine(self, owner: str, *, now_ms: int, ttl_ms: int, last_ms: int) -> bool:
        return await self._leases.renew(owner, now_ms, ttl_ms, last_ms)

    async def release_machine(self, owner: str, *, last_ms: int) -> None:
        await self._leases.release(owner, last_ms)

    async def map_external_ids(
        self, namespace: str, external_ids: Sequence[str], mint: Callable[[int], int]
    ) -> Ids:
        first: dict[str, int] = {}
        for position, external in enumerate(external_ids):
            first.setdefault(external, position)
        stored = await asyncio.gather(
            *(self._session.rows(_MAPPED, namespace, external) for external in first)
        )
        known = {external: rows[0][0] for external, rows in zip(first, stored, strict=True) if rows}
        # All are minted before any is written: a mint that fails maps nothing.
        minted = {external: mint(first[external]) for external in first if external not in known}
        room = asyncio.Semaphore(_MAPPED_AT_ONCE)

        async def map_one(external: str, id_: int) -> None:
            async with room:
                outcome = await self._session.conditional(_MAP, namespace, external, id_)
            known[external] = id_ if outcome.applied else outcome.row["id"]

        await asyncio.gather(*(map_one(external, id_) for external, id_ in minted.items()))
        return np.fromiter((known[external] for external in external_ids), np.int64)
