"""TLS and SASL on a real broker: let in with the right papers, told what to do with the wrong ones."""

from __future__ import annotations

import datetime
import ipaddress
import os
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from core.errors import ConfigurationError, Unavailable
from eventlog.kafka_log import KafkaEventLog
from eventlog.kafka_options import KafkaOptions
from eventlog.kafka_topics import TopicSpec, ensure_topics
from eventlog.reading import read
from eventlog.schema import VIEWS
from stores.ports import OutboxRecord
from wiring.servers.cluster import LocalCluster
from wiring.servers.kafka import KafkaRecipe
from wiring.servers.local import LocalServers
from wiring.servers.nodes import NodeState

PASSWORD = "a-password"


@dataclass(frozen=True, slots=True)
class Papers:
    """A certificate that signed itself, and its key beside it in one more file."""

    certificate: Path
    both: Path


@dataclass(frozen=True, slots=True)
class SecureRecipe(KafkaRecipe):
    """The usual broker with one more listener, which asks for a password over TLS."""

    papers: Papers = Papers(Path(), Path())
    port: int = 0

    def prepare(self, nodes: Sequence[NodeState], directory: Path) -> None:
        KafkaRecipe.prepare(self, nodes, directory)
        (node,) = nodes
        plain, secure = f"PLAINTEXT://{node.address}", f"SECURE://{node.host}:{self.port}"
        lines = {
            "listeners": f"{plain},CONTROLLER://{node.host}:{node.ports['controller']},{secure}",
            "advertised.listeners": f"{plain},{secure}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.name.secure.ssl.keystore.type": "PEM",
            "listener.name.secure.ssl.keystore.location": self.papers.both,
            "listener.name.secure.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.secure.plain.sasl.jaas.config": (
                "org.apache.kafka.common.security.plain.PlainLoginModule required "
                f'user_rankfeed="{PASSWORD}";'
            ),
        }
        with (directory / str(node.index) / "server.properties").open("a") as properties:
            # A later line takes the place of an earlier one.
            properties.write("".join(f"{key}={value}\n" for key, value in lines.items()))


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    directory = tmp_path_factory.mktemp("papers")
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_pem = certificate.public_bytes(serialization.Encoding.PEM)
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    found = Papers(directory / "certificate.pem", directory / "both.pem")
    found.certificate.write_bytes(certificate_pem)
    found.both.write_bytes(key_pem + certificate_pem)
    os.chmod(found.both, 0o600)
    return found


@pytest.fixture(scope="module")
def options(
    local_servers: LocalServers, papers: Papers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KafkaOptions]:
    """What a client needs that is let in."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    usual = local_servers.cluster("kafka").recipe
    assert isinstance(usual, KafkaRecipe)
    recipe = SecureRecipe(java=usual.java, jars=usual.jars, papers=papers, port=port)
    cluster = LocalCluster(recipe, tmp_path_factory.mktemp("secure"), lambda line: None, True)
    cluster.start(1)
    try:
        cluster.await_ready()
        yield KafkaOptions(
            f"127.0.0.1:{port}",
            security_protocol="SASL_SSL",
            ssl_ca=papers.certificate,
            sasl_mechanism="PLAIN",
            sasl_username="rankfeed",
            sasl_password=PASSWORD,
            append_timeout_s=5,
            call_timeout_s=5,
            request_timeout_ms=2_000,
        )
    finally:
        cluster.stop()


async def test_with_the_right_papers_everything_works(options: KafkaOptions) -> None:
    await ensure_topics(options, [TopicSpec(VIEWS, 2)], replication=1)
    async with KafkaEventLog(options) as log:
        await log.append([OutboxRecord(VIEWS, 1, b"1")])
        assert [entry.value async for entry in read(log, [VIEWS])] == [b"1"]
        subscription = await log.subscribe("readers", [VIEWS])
        assert len(await subscription.poll(max_entries=1, timeout_s=60)) == 1
        await subscription.close()


async def test_a_wrong_password_says_what_to_check(options: KafkaOptions) -> None:
    wrong = replace(options, sasl_password="another")
    with pytest.raises(ConfigurationError, match="check the user, the password"):
        await ensure_topics(wrong, [TopicSpec(VIEWS, 2)], replication=1)
    async with KafkaEventLog(wrong) as log:
        with pytest.raises(ConfigurationError, match="check the user, the password"):
            await log.append([OutboxRecord(VIEWS, 1, b"1")])
        with pytest.raises(ConfigurationError, match="check the user, the password"):
            await log.subscribe("readers", [VIEWS])


async def test_a_mechanism_that_the_broker_does_not_offer_says_what_to_check(options: KafkaOptions) -> None:
    async with KafkaEventLog(replace(options, sasl_mechanism="SCRAM-SHA-512")) as log:
        with pytest.raises(ConfigurationError, match="SASL mechanism"):
            await log.append([OutboxRecord(VIEWS, 1, b"1")])


async def test_a_certificate_that_nobody_vouches_for_is_not_accepted(options: KafkaOptions) -> None:
    async with KafkaEventLog(replace(options, ssl_ca=None)) as log:
        with pytest.raises((ConfigurationError, Unavailable), match="certificate"):
            await log.append([OutboxRecord(VIEWS, 1, b"1")])


async def test_without_tls_the_broker_is_not_understood(options: KafkaOptions) -> None:
    async with KafkaEventLog(replace(options, security_protocol="PLAINTEXT")) as log:
        with pytest.raises(Unavailable, match="as a Kafka broker does that speaks PLAINTEXT"):
            await log.append([OutboxRecord(VIEWS, 1, b"1")])
