"""The examples of docs/security.md, word for word but for addresses, names and files, on real servers."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from stores.cassandra.options import CassandraOptions
from tests.e2e.command import rankfeed
from tests.e2e.live_stack import ROOT
from tests.papers import Papers
from tests.secure_servers import SecureKafka

DOCUMENT = (ROOT / "docs/security.md").read_text()
ALONE = {"RANKFEED_CASSANDRA_KEYSPACE": "rankfeed_documented"}


def examples(section: str) -> list[dict[str, str]]:
    """What each block of a section exports."""
    _, _, rest = DOCUMENT.partition(f"\n## {section}\n")
    text = rest.partition("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)
    return [dict(re.findall(r"^export (\w+)=(\S+)$", block, re.M)) for block in blocks]


@pytest.fixture(scope="module")
def ours(secure_kafka: SecureKafka, secure_cassandra: CassandraOptions, papers: Papers) -> Mapping[str, str]:
    """What stands for the document's own addresses, names and files here."""
    return {
        "broker-1.example.org:9093,broker-2.example.org:9093": secure_kafka.password.bootstrap,
        "broker-1.example.org:9094": secure_kafka.mutual.bootstrap,
        "/etc/rankfeed/kafka-ca.pem": str(papers.authority.certificate),
        "/etc/rankfeed/cassandra-ca.pem": str(papers.authority.certificate),
        "/etc/rankfeed/rankfeed.pem": str(papers.client.certificate),
        "/etc/rankfeed/rankfeed.key": str(papers.client.key),
        "10.0.0.11,10.0.0.12,10.0.0.13": ",".join(secure_cassandra.hosts),
    }


@pytest.fixture(scope="module")
def cassandra(secure_cassandra: CassandraOptions, ours: Mapping[str, str]) -> dict[str, str]:
    """Both blocks together; the user is one that may make the keyspace."""
    password, certificate = examples("Cassandra")
    given = {name: ours.get(value, value) for name, value in (password | certificate).items()}
    assert secure_cassandra.username is not None
    assert secure_cassandra.password is not None
    own = {
        "RANKFEED_CASSANDRA_PORT": str(secure_cassandra.port),
        "RANKFEED_CASSANDRA_USERNAME": secure_cassandra.username,
        "RANKFEED_CASSANDRA_PASSWORD": secure_cassandra.password,
    }
    return given | own | ALONE


@pytest.mark.parametrize("number", [0, 1])
def test_each_example_opens(cassandra: Mapping[str, str], ours: Mapping[str, str], number: int) -> None:
    kafka = {name: ours.get(value, value) for name, value in examples("Kafka")[number].items()}
    own = {"RANKFEED_KAFKA_PREFIX": f"documented{number}."}
    ended = rankfeed("migrate", home=None, environment={**cassandra, **kafka, **own})
    assert ended.code == 0, ended.err
    assert re.search(r"topics: .*tweets\.v1.* made", ended.out)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("RANKFEED_KAFKA_SASL_PASSWORD", "another", "check the user, the password"),
        ("RANKFEED_KAFKA_SSL_CA", "/nowhere.pem", "must be readable PEM files"),
        ("RANKFEED_CASSANDRA_PASSWORD", "another", "set the right cassandra.username"),
        ("RANKFEED_CASSANDRA_TLS_CA", "", "set RANKFEED_CASSANDRA_TLS_CA"),
    ],
)
def test_an_example_with_one_fault_says_what_to_do(
    cassandra: Mapping[str, str], ours: Mapping[str, str], variable: str, value: str, said: str
) -> None:
    kafka = {name: ours.get(text, text) for name, text in examples("Kafka")[0].items()}
    environment = {**cassandra, **kafka, variable: value}
    if not value:
        del environment[variable]
    ended = rankfeed("migrate", home=None, environment=environment)
    assert ended.code == 1
    assert said in ended.err
    assert ended.err.startswith("Error: ")
    assert "Traceback" not in ended.err
    # A password is nobody's business who reads over a shoulder.
    assert "another" not in ended.err
