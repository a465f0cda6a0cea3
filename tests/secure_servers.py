"""A Kafka and a Cassandra that let nobody in without the right papers; one node each, once per run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from core.errors import ConfigurationError, Unavailable
from eventlog.kafka_options import KafkaOptions
from stores.cassandra.driver import open_cluster, open_session
from stores.cassandra.options import CassandraOptions, CassandraTls
from tests.papers import Papers
from wiring.servers.cassandra import CassandraRecipe
from wiring.servers.cluster import LocalCluster
from wiring.servers.kafka import SCRAM, KafkaRecipe
from wiring.servers.local import LocalServers
from wiring.servers.nodes import NodeState
from wiring.servers.recipe import Recipe

USER, PASSWORD = "rankfeed", "a-password"
# Who may do everything on a Cassandra that was just made.
ROOT = "cassandra"

_LISTENERS = {"password": "SASL_SSL", "mutual": "SSL", "elsewhere": "SSL", "open": "SASL_PLAINTEXT"}
_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
_NO_PAPERS = Papers.of(Path())


@dataclass(frozen=True, slots=True)
class SecureKafka:
    """Options for each listener, as somebody needs them who is let in; and the addresses.

    `password` asks for one over TLS, `mutual` for a certificate. `elsewhere` and `open` are for those
    who come the wrong way: the one sends clients on to a name that its certificate does not have, the
    other asks for a password without TLS.
    """

    password: KafkaOptions
    mutual: KafkaOptions
    elsewhere: KafkaOptions
    open: str


@dataclass(frozen=True, slots=True)
class _KafkaRecipe(KafkaRecipe):
    """The usual broker, which the tests' own readiness check speaks to, with one more listener each."""

    papers: Papers = _NO_PAPERS

    def plan(self, size: int, first_port: int) -> list[NodeState]:
        (node,) = KafkaRecipe.plan(self, size, first_port)
        ports = {name: first_port + number for number, name in enumerate(_LISTENERS, 2)}
        return [NodeState(node.index, node.host, node.ports | ports)]

    def prepare(self, nodes: Sequence[NodeState], directory: Path) -> None:
        KafkaRecipe.prepare(self, nodes, directory)
        (node,) = nodes
        own = {name.upper(): f"{node.host}:{node.ports[name]}" for name in _LISTENERS}
        plain, told = {"PLAINTEXT": node.address}, own | {"ELSEWHERE": f"localhost:{node.ports['elsewhere']}"}
        controller = {"CONTROLLER": f"{node.host}:{node.ports['controller']}"}
        kinds = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT"}
        kinds |= {name.upper(): kind for name, kind in _LISTENERS.items()}
        lines = {
            "listeners": ",".join(f"{name}://{at}" for name, at in (plain | controller | own).items()),
            "advertised.listeners": ",".join(f"{name}://{at}" for name, at in (plain | told).items()),
            "listener.security.protocol.map": ",".join(f"{name}:{kind}" for name, kind in kinds.items()),
            "inter.broker.listener.name": "PLAINTEXT",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.papers.server.both,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.papers.authority.certificate,
            "listener.name.mutual.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": ",".join(SCRAM),
        }
        lines |= {
            f"listener.name.{name}.{mechanism.lower()}.sasl.jaas.config": _LOGIN
            for name in ("password", "open")
            for mechanism in SCRAM
        }
        with (directory / str(node.index) / "server.properties").open("a") as properties:
            # A later line takes the place of an earlier one.
            properties.write("".join(f"{key}={value}\n" for key, value in lines.items()))


@dataclass(frozen=True, slots=True)
class _CassandraRecipe(CassandraRecipe):
    papers: Papers = _NO_PAPERS

    def prepare(self, nodes: Sequence[NodeState], directory: Path) -> None:
        CassandraRecipe.prepare(self, nodes, directory)
        file = directory / "1" / "cassandra.yaml"
        configuration = json.loads(file.read_text()) | {
            "authenticator": {"class_name": "PasswordAuthenticator"},
            "authorizer": "CassandraAuthorizer",
            "role_manager": "CassandraRoleManager",
            "client_encryption_options": {
                "enabled": True,
                "optional": False,
                "require_client_auth": "true",
                "ssl_context_factory": {
                    "class_name": "org.apache.cassandra.security.PEMBasedSslContextFactory"
                },
                "keystore": str(self.papers.server.both),
                "truststore": str(self.papers.authority.certificate),
            },
        }
        file.write_text(json.dumps(configuration, indent=1))

    def missing(self, nodes: Sequence[NodeState]) -> str | None:
        options = _root(nodes[0], self.papers)
        try:
            cluster = open_cluster(options)
            try:
                open_session(cluster, options)
            finally:
                cluster.shutdown()
        except (Unavailable, ConfigurationError) as exc:
            # Its first user is made some time after it listens.
            return str(exc)
        return None


@pytest.fixture(scope="session")
def secure_kafka(
    local_servers: LocalServers, papers: Papers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SecureKafka]:
    usual = local_servers.cluster("kafka").recipe
    assert isinstance(usual, KafkaRecipe)
    recipe = _KafkaRecipe(usual.java, usual.jars, users={USER: PASSWORD}, papers=papers)
    for node in _running(recipe, tmp_path_factory.mktemp("secure-kafka")):
        by_password = KafkaOptions(
            f"{node.host}:{node.ports['password']}",
            security_protocol="SASL_SSL",
            ssl_ca=papers.authority.certificate,
            sasl_mechanism="SCRAM-SHA-512",
            sasl_username=USER,
            sasl_password=PASSWORD,
            append_timeout_s=5,
            call_timeout_s=5,
            request_timeout_ms=2_000,
        )
        by_certificate = replace(
            by_password,
            bootstrap=f"{node.host}:{node.ports['mutual']}",
            security_protocol="SSL",
            ssl_certificate=papers.client.certificate,
            ssl_key=papers.client.key,
            sasl_username=None,
            sasl_password=None,
        )
        yield SecureKafka(
            by_password,
            by_certificate,
            replace(by_certificate, bootstrap=f"{node.host}:{node.ports['elsewhere']}"),
            f"{node.host}:{node.ports['open']}",
        )


@pytest.fixture(scope="session")
def secure_cassandra(
    local_servers: LocalServers, papers: Papers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CassandraOptions]:
    """What its first user needs, who may do everything."""
    usual = local_servers.cluster("cassandra").recipe
    assert isinstance(usual, CassandraRecipe)
    recipe = _CassandraRecipe(usual.java, usual.jars, papers=papers)
    for node in _running(recipe, tmp_path_factory.mktemp("secure-cassandra")):
        yield _root(node, papers)


def _running(recipe: Recipe, directory: Path) -> Iterator[NodeState]:
    cluster = LocalCluster(recipe, directory, lambda line: None, with_parent=True)
    cluster.start()
    try:
        cluster.await_ready()
        yield from cluster.running()
    finally:
        cluster.wipe()


def _root(node: NodeState, papers: Papers) -> CassandraOptions:
    client = papers.client
    return CassandraOptions(
        (node.host,),
        node.ports["client"],
        connect_timeout_s=3.0,
        username=ROOT,
        password=ROOT,
        tls=CassandraTls(papers.authority.certificate, client.certificate, client.key),
    )
