"""The log for those who look after it: that of the running stack, or the one that the settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

from core.clock import Clock
from core.errors import ConfigurationError
from eventlog.log import OperatedLog
from eventlog.sqlite_log import SqliteEventLog
from stores.sqlite import open_facts, open_telemetry
from wiring.home import Home
from wiring.resources import EMBEDDED_PARTITIONS
from wiring.settings import Settings


@asynccontextmanager
async def open_log(settings: Settings, clock: Clock) -> AsyncIterator[OperatedLog]:
    """Needs nothing but the log: Cassandra and Redis may be away.

    Raises ConfigurationError where there is none yet, or it is not that of this code; Unavailable
    where it is away.
    """
    if settings.stack == "embedded":
        home = home_with_a_log(settings)
        with closing(open_facts(home.facts)) as facts, closing(open_telemetry(home.telemetry)) as telemetry:
            yield SqliteEventLog(facts, telemetry, clock, EMBEDDED_PARTITIONS)
        return
    # Imported here: the drivers take their time, and the embedded stack needs none of them.
    from eventlog.kafka_log import KafkaEventLog
    from eventlog.kafka_topics import check_topics
    from wiring.distributed import kafka_options

    options = kafka_options(settings)
    await check_topics(options)
    async with KafkaEventLog(options) as log:
        yield log


def home_with_a_log(settings: Settings) -> Home:
    """The data directory; ConfigurationError rather than a new log where none was meant."""
    home = Home(settings.home)
    if settings.stack == "embedded" and not home.facts.exists():
        raise ConfigurationError(
            f"there is no log in {home.root}: start a stack with `rankfeed up`, set RANKFEED_HOME to the "
            "directory of one, or RANKFEED_STACK=distributed with the addresses of its servers"
        )
    return home
