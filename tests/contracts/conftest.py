"""The engine under test, empty, and what one process opened of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from eventlog.log import OperatedLog
from tests.cassandra_keyspace import Keyspace
from tests.contracts.engines import ENGINES, CassandraEngine, Engine, Stack, engine_at
from tests.contracts.log_engines import (
    LOG_ENGINES,
    KafkaLogEngine,
    LogEngine,
    SqliteLogEngine,
    kafka_address,
)
from tests.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    address = str(tmp_path)
    if request.param == CassandraEngine.name:
        keyspace: Keyspace = request.getfixturevalue("keyspace")
        address = f"{address} {keyspace.address}"
    return engine_at(request.param, address)


@pytest.fixture
async def stack(engine: Engine, clock: FakeClock) -> AsyncIterator[Stack]:
    async with engine.open(clock) as opened:
        yield opened


@pytest.fixture(params=LOG_ENGINES)
def log_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LogEngine]:
    """The log under test, empty."""
    engine: LogEngine
    if request.param == KafkaLogEngine.name:
        engine = KafkaLogEngine(kafka_address(request.getfixturevalue("kafka_server")))
    else:
        engine = SqliteLogEngine(str(tmp_path))
    yield engine
    engine.remove()


@pytest.fixture
async def log(log_engine: LogEngine, clock: FakeClock) -> AsyncIterator[OperatedLog]:
    async with log_engine.open(clock) as opened:
        yield opened
