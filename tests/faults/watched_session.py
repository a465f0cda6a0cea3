"""Cassandra with a trigger around every statement: the steps inside of what the ports do there."""

from __future__ import annotations

import re
from typing import Any, cast

from stores.cassandra.session import CassandraSession, Statement
from tests.faults.fault import Trigger
from tests.faults.watched import Watched

_CQL = re.compile(r"(INSERT|UPDATE|DELETE|SELECT)\b.*?\bks\.(\w+)")


class WatchedSession(Watched):
    async def rows(self, statement: Statement, *parameters: object) -> Any:
        return await self._around(statement, self._port.rows, *parameters)

    async def write(self, statement: Statement, *parameters: object) -> Any:
        return await self._around(statement, self._port.write, *parameters)

    async def write_partition(self, statement: Statement, rows: object) -> Any:
        return await self._around(statement, self._port.write_partition, rows)

    async def conditional(self, statement: Statement, *parameters: object) -> Any:
        return await self._around(statement, self._port.conditional, *parameters)

    async def _around(self, statement: Statement, run: Any, *parameters: object) -> Any:
        return await self._trigger.around(point_of(statement), lambda: run(statement, *parameters))


def point_of(statement: Statement) -> str:
    found = _CQL.match(statement.cql)
    assert found is not None, statement.cql
    return f"{found[2]}.{found[1].lower()}"


def watched_session(session: CassandraSession, trigger: Trigger) -> CassandraSession:
    return cast(CassandraSession, WatchedSession(session, "session", trigger))
