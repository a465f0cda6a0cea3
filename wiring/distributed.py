"""The distributed engines: Cassandra and Kafka as the settings name them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from core.clock import Clock
from core.errors import ConfigurationError
from eventlog.kafka_log import KafkaEventLog
from eventlog.kafka_options import KafkaOptions
from eventlog.kafka_topics import check_topics, ensure_topics
from eventlog.log import OperatedLog
from stores.cassandra.assembly import CassandraStores, open_cassandra
from stores.cassandra.migrate import migrate
from stores.cassandra.options import CassandraOptions, CassandraTls
from stores.turn import Turn
from wiring.environment import variable_of
from wiring.resources import Stores
from wiring.settings import CassandraSettings, Settings


def kafka_options(settings: Settings) -> KafkaOptions:
    kafka = settings.kafka
    if kafka.bootstrap is None:
        raise ConfigurationError(
            f"no Kafka is named: set {variable_of(('kafka', 'bootstrap'))}, or start one with "
            "`rankfeed servers up`"
        )
    return KafkaOptions(
        bootstrap=kafka.bootstrap,
        prefix=kafka.prefix,
        instance=kafka.instance,
        security_protocol=kafka.security_protocol,
        ssl_ca=kafka.ssl_ca,
        ssl_certificate=kafka.ssl_certificate,
        ssl_key=kafka.ssl_key,
        sasl_mechanism=kafka.sasl_mechanism,
        sasl_username=kafka.sasl_username,
        sasl_password=None if kafka.sasl_password is None else kafka.sasl_password.get_secret_value(),
    )


def cassandra_options(settings: Settings) -> CassandraOptions:
    cassandra = settings.cassandra
    if cassandra.hosts is None:
        raise ConfigurationError(
            f"no Cassandra is named: set {variable_of(('cassandra', 'hosts'))}, or start one with "
            "`rankfeed servers up`"
        )
    return CassandraOptions(
        hosts=tuple(host.strip() for host in cassandra.hosts.split(",") if host.strip()),
        port=cassandra.port,
        keyspace=cassandra.keyspace,
        datacenter=cassandra.datacenter,
        replication=cassandra.replication,
        username=cassandra.username,
        password=None if cassandra.password is None else cassandra.password.get_secret_value(),
        tls=_cassandra_tls(cassandra),
    )


def _cassandra_tls(cassandra: CassandraSettings) -> CassandraTls | None:
    if cassandra.tls_ca is not None:
        return CassandraTls(cassandra.tls_ca, cassandra.tls_certificate, cassandra.tls_key)
    if cassandra.tls_certificate is not None or cassandra.tls_key is not None:
        raise ConfigurationError(
            "a certificate for Cassandra is named, and no authority: set "
            f"{variable_of(('cassandra', 'tls_ca'))} too, which turns TLS on"
        )
    return None


@asynccontextmanager
async def open_servers(settings: Settings, clock: Clock) -> AsyncIterator[Stores]:
    """Raises ConfigurationError where topics or tables are not those of this code."""
    options = kafka_options(settings)
    await check_topics(options)
    async with (
        KafkaEventLog(options) as log,
        open_cassandra(cassandra_options(settings), log, clock) as stores,
    ):
        yield with_relay(stores, log, clock, settings)


def with_relay(stores: CassandraStores, log: OperatedLog, clock: Clock, settings: Settings) -> Stores:
    """The ports of the distributed stack, and the relay that finishes what writers left."""
    # Imported here: only a distributed stack relays, and it brings the relay along.
    from pipelines.relay import TURN, Relay, RelayOptions

    # Under its own name a process that was killed goes on at once; without one it waits for its turn.
    turn = Turn(stores.control, clock, TURN, settings.kafka.instance or secrets.token_hex(8))
    relay = Relay(stores.outbox, stores.facts, stores.control, log, clock, RelayOptions())
    return Stores(
        stores.users,
        stores.graph,
        stores.tweets,
        stores.engagements,
        stores.answers,
        stores.control,
        log,
        partial(relay.run, turn=turn),
    )


def migrate_servers(settings: Settings, say: Callable[[str], None]) -> None:
    """Makes or upgrades keyspace, tables and topics. Safe twice, and from two processes at once."""
    # Looked at before anything is changed: what is wrong in the settings is told at once.
    kafka = kafka_options(settings)
    version = migrate(cassandra_options(settings), say)
    say(f"keyspace {settings.cassandra.keyspace}: version {version}")
    made = asyncio.run(ensure_topics(kafka, replication=settings.kafka.replication))
    say(f"topics: {', '.join(made)} made" if made else "topics: all there")
