"""What a session keeps between statements."""

from __future__ import annotations

import asyncio
import threading
from typing import cast

import pytest
from cassandra.cluster import Cluster, Session

from stores.cassandra.options import CassandraOptions
from stores.cassandra.session import CassandraSession, Statement

STATEMENT = Statement("SELECT id FROM ks.users")


class FailingDriver:
    """Cannot prepare anything, and says so once it may."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.may_fail = threading.Event()
        self.prepared = 0

    def add_request_init_listener(self, listener: object) -> None:
        """Nothing is ever executed."""

    def prepare(self, cql: str) -> None:
        self.prepared += 1
        number = self.prepared
        self.asked.set()
        assert self.may_fail.wait(30)
        raise ValueError(f"failure {number}")


async def test_a_preparation_that_nobody_waited_for_is_not_the_next_ones_failure() -> None:
    driver = FailingDriver()
    session = CassandraSession(cast(Cluster, None), cast(Session, driver), CassandraOptions())
    before = asyncio.all_tasks()
    gave_up = asyncio.create_task(session.rows(STATEMENT))
    assert await asyncio.to_thread(driver.asked.wait, 30)
    gave_up.cancel()
    under_way = asyncio.all_tasks() - before
    driver.may_fail.set()
    await asyncio.wait(under_way)
    with pytest.raises(ValueError, match="failure 2"):
        await session.rows(STATEMENT)
