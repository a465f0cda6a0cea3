"""The driver's cluster object, as every session and the migrations open it, and its errors as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cassandra
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.connection import ConnectionException
from cassandra.policies import (
    ConstantReconnectionPolicy,
    ConstantSpeculativeExecutionPolicy,
    DCAwareRoundRobinPolicy,
    NoSpeculativeExecutionPolicy,
    TokenAwarePolicy,
)
from cassandra.protocol import ConfigurationException, ErrorMessage, SyntaxException
from cassandra.query import dict_factory, tuple_factory

from core.errors import ConfigurationError, Unavailable
from stores.cassandra.diagnosis import in_words, why_not_reached
from stores.cassandra.options import CassandraOptions

CONDITIONAL = "conditional"
"""The profile of lightweight transactions: rows with names, and no second copy of a request under way."""

# Server errors that have no class of their own in the driver arrive as ErrorMessage: overloaded,
# bootstrapping, and the unknown outcome of a lightweight transaction (0x1700) among them.
AWAY = (
    NoHostAvailable,
    ConnectionException,
    ErrorMessage,
    cassandra.OperationTimedOut,
    cassandra.Unavailable,
    cassandra.ReadTimeout,
    cassandra.WriteTimeout,
    cassandra.ReadFailure,
    cassandra.WriteFailure,
)
_REFUSALS = (cassandra.AuthenticationFailed, cassandra.Unauthorized)
# A statement that the server will never take.
_BUGS = (cassandra.InvalidRequest, cassandra.AlreadyExists, SyntaxException, ConfigurationException)


@contextmanager
def translated(options: CassandraOptions) -> Iterator[None]:
    """Driver errors become Unavailable or ConfigurationError; a refused statement stays a bug."""
    try:
        yield
    except Exception as exc:
        # The driver raises through several trees: what is none of these goes on as it is.
        if (ours := ours_for(exc, options)) is None:
            raise
        raise ours from exc


def ours_for(exc: BaseException, options: CassandraOptions) -> Unavailable | ConfigurationError | None:
    causes = [exc]
    # By host; a plain list of hosts where none could be tried.
    if isinstance(exc, NoHostAvailable) and isinstance(exc.errors, dict):
        causes = list(exc.errors.values())
    if (refusal := next((one for one in causes if isinstance(one, _REFUSALS)), None)) is not None:
        return _refused(refusal, options)
    if isinstance(exc, cassandra.UnresolvableContactPoints):
        return ConfigurationError(f"none of Cassandra's hosts has an address: {options.address}")
    if isinstance(exc, _BUGS):
        return None
    if isinstance(exc, AWAY):
        said = in_words(exc) if isinstance(exc, NoHostAvailable) else exc
        return Unavailable(f"Cassandra at {options.address} did not answer as it should: {said}")
    return None


def _refused(refusal: BaseException, options: CassandraOptions) -> ConfigurationError:
    if isinstance(refusal, cassandra.Unauthorized):
        return ConfigurationError(
            f"Cassandra at {options.address} does not allow it to '{options.username}' ({refusal}): grant it "
            f"all permissions on keyspace '{options.keyspace}', or run `rankfeed migrate` as who may"
        )
    if options.username is None:
        return ConfigurationError(
            f"Cassandra at {options.address} asks for a name and a password: set cassandra.username and "
            "cassandra.password"
        )
    return ConfigurationError(
        f"Cassandra at {options.address} refuses user '{options.username}' ({refusal}): set the right "
        "cassandra.username and cassandra.password"
    )


def open_cluster(options: CassandraOptions) -> Cluster:
    """Not connected yet. One a process, made after the fork: its threads do not survive one."""
    policy = TokenAwarePolicy(DCAwareRoundRobinPolicy(local_dc=options.datacenter))
    profiles = {
        EXEC_PROFILE_DEFAULT: ExecutionProfile(
            load_balancing_policy=policy,
            request_timeout=options.timeout_s,
            row_factory=tuple_factory,
            # Another node is asked when one has not answered for half a second: the longest gap after
            # a node's death was 0.1 s so.
            speculative_execution_policy=ConstantSpeculativeExecutionPolicy(0.5, 2),
        ),
        CONDITIONAL: ExecutionProfile(
            load_balancing_policy=policy,
            request_timeout=options.timeout_s,
            row_factory=dict_factory,
            speculative_execution_policy=NoSpeculativeExecutionPolicy(),
        ),
    }
    auth = None
    if options.username is not None:
        auth = PlainTextAuthProvider(options.username, options.password or "")
    return Cluster(
        list(options.hosts),
        port=options.port,
        protocol_version=5,
        execution_profiles=profiles,
        reconnection_policy=ConstantReconnectionPolicy(0.5, max_attempts=None),
        connect_timeout=options.connect_timeout_s,
        control_connection_timeout=options.connect_timeout_s,
        # A node that hangs is given up after 4 to 8 s, and what waits for it fails then.
        idle_heartbeat_interval=2,
        idle_heartbeat_timeout=4,
        auth_provider=auth,
        ssl_context=None if options.tls is None else options.tls.context(),
    )


def open_session(cluster: Cluster, options: CassandraOptions) -> Session:
    """Blocking. Raises Unavailable, or ConfigurationError for wrong papers or another datacenter."""
    try:
        session = cluster.connect()
    except Exception as exc:
        # Of a datacenter without hosts the driver says only that there is no host.
        _require_datacenter(cluster, options)
        if (ours := ours_for(exc, options)) is None:
            raise
        if isinstance(exc, NoHostAvailable) and isinstance(ours, Unavailable):
            ours = why_not_reached(options, exc)
        raise ours from exc
    _require_datacenter(cluster, options)
    return session


def _require_datacenter(cluster: Cluster, options: CassandraOptions) -> None:
    known = sorted({host.datacenter for host in cluster.metadata.all_hosts() if host.datacenter is not None})
    if known and options.datacenter not in known:
        raise ConfigurationError(
            f"Cassandra at {options.address} has no datacenter '{options.datacenter}': "
            f"set it to one of {', '.join(known)}"
        )
