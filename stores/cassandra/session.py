"""One process's session: statements prepared once, answers on the event loop, errors of our own tree."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from cassandra import ConsistencyLevel, WriteTimeout, WriteType
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, Session
from cassandra.protocol import ErrorMessage
from cassandra.query import BatchStatement, BatchType, PreparedStatement

from core.errors import Unavailable
from stores.cassandra.driver import CONDITIONAL, open_cluster, open_session, ours_for, translated
from stores.cassandra.execution import Executions
from stores.cassandra.migrate import require_current
from stores.cassandra.options import CassandraOptions

Row = tuple[Any, ...]
_CONTENDED_TRIES = 12
_CONTENDED_WAIT_S = 0.01
_CAS_UNKNOWN = 0x1700


@dataclass(frozen=True, slots=True)
class Statement:
    """CQL and how many copies must agree on it; a conditional one is a lightweight transaction.

    `ks.` stands for the keyspace.
    """

    cql: str
    consistency: int = ConsistencyLevel.LOCAL_QUORUM
    conditional: bool = False
    page_rows: int = 5000


class Outcome(NamedTuple):
    """Of a lightweight transaction; `row` is what stood there instead, empty where it was applied."""

    applied: bool
    row: dict[str, Any]


class CassandraSession:
    """Runs statements. Every one may be repeated: writes carry their own timestamps or conditions."""

    def __init__(self, cluster: Cluster, session: Session, options: CassandraOptions) -> None:
        self.options = options
        self._cluster = cluster
        self._session = session
        self._prepared: dict[Statement, asyncio.Future[PreparedStatement]] = {}
        self._room = asyncio.Semaphore(options.in_flight)
        self._executions = Executions(session, asyncio.get_running_loop())
        self._random = random.Random()

    async def rows(self, statement: Statement, *parameters: object) -> list[Row]:
        """Every row, all pages; raises Unavailable where the outcome is not known."""
        bound = (await self._prepare(statement)).bind(parameters)
        return await self._run(bound, EXEC_PROFILE_DEFAULT)

    async def write(self, statement: Statement, *parameters: object) -> None:
        await self.rows(statement, *parameters)

    async def write_partition(self, statement: Statement, rows: Sequence[Sequence[object]]) -> None:
        """The statement once a row, as one mutation: all rows are of one partition."""
        prepared = await self._prepare(statement)
        batch = BatchStatement(BatchType.UNLOGGED, consistency_level=statement.consistency)
        for row in rows:
            batch.add(prepared, row)
        batch.is_idempotent = True
        await self._run(batch, EXEC_PROFILE_DEFAULT)

    async def conditional(self, statement: Statement, *parameters: object) -> Outcome:
        """Runs a lightweight transaction, again where others were in its way or its end is unknown.

        So an earlier try may have been the call's own: who asks recognises what it wrote itself.
        """
        prepared = await self._prepare(statement)
        for attempt in range(_CONTENDED_TRIES):
            try:
                rows = await self._run(prepared.bind(parameters), CONDITIONAL)
            except Unavailable as exc:
                if attempt + 1 == _CONTENDED_TRIES or not _is_contended(exc.__cause__):
                    raise
                # Full jitter: those who met here must not meet again.
                longest_s = min(0.5, _CONTENDED_WAIT_S * 2**attempt)
                await asyncio.sleep(self._random.uniform(0, longest_s))
            else:
                row = dict(rows[0])
                return Outcome(bool(row.pop("[applied]")), row)
        raise AssertionError("the last attempt returns or raises")

    async def close(self) -> None:
        await asyncio.to_thread(self._cluster.shutdown)

    async def _prepare(self, statement: Statement) -> PreparedStatement:
        preparing = self._prepared.get(statement)
        if preparing is None:
            # In a thread, as the driver blocks.
            preparing = asyncio.ensure_future(asyncio.to_thread(self._prepare_now, statement))
            preparing.add_done_callback(partial(self._forget_failed, statement))
            self._prepared[statement] = preparing
        return await asyncio.shield(preparing)

    def _forget_failed(self, statement: Statement, preparing: asyncio.Future[PreparedStatement]) -> None:
        """The next one tries again, also where nobody waited for this one any more."""
        if preparing.cancelled() or preparing.exception() is not None:
            del self._prepared[statement]

    def _prepare_now(self, statement: Statement) -> PreparedStatement:
        with translated(self.options):
            # Named in the statement: the server warns of prepared statements that hang on a session's.
            prepared = self._session.prepare(statement.cql.replace("ks.", f"{self.options.keyspace}."))
        prepared.consistency_level = statement.consistency
        prepared.serial_consistency_level = ConsistencyLevel.LOCAL_SERIAL
        prepared.fetch_size = statement.page_rows
        prepared.is_idempotent = not statement.conditional
        return prepared

    async def _run(self, bound: object, profile: object) -> list[Any]:
        async with self._room:
            with translated(self.options):
                answer = self._executions.run(bound, profile)
            try:
                return await answer
            except Exception as exc:
                if (ours := ours_for(exc, self.options)) is None:
                    raise
                raise ours from exc


def _is_contended(exc: BaseException | None) -> bool:
    """Whether a lightweight transaction was crossed by others, or ended without saying how."""
    if isinstance(exc, WriteTimeout):
        return bool(exc.write_type == WriteType.CAS)
    return isinstance(exc, ErrorMessage) and exc.code == _CAS_UNKNOWN


async def connect(options: CassandraOptions) -> CassandraSession:
    """Connects to the keyspace; raises Unavailable while Cassandra is away, else ConfigurationError."""
    cluster = open_cluster(options)
    try:
        session = await asyncio.to_thread(open_session, cluster, options)
        await asyncio.to_thread(require_current, session, options)
        return CassandraSession(cluster, session, options)
    except BaseException:
        await asyncio.to_thread(cluster.shutdown)
        raise
