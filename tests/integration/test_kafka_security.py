"""TLS, passwords and certificates on a real broker: let in with the right papers, told what to do else."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from core.errors import ConfigurationError, RankfeedError, Unavailable
from eventlog.kafka_log import KafkaEventLog
from eventlog.kafka_options import KafkaOptions
from eventlog.kafka_topics import TopicSpec, ensure_topics
from eventlog.reading import read
from eventlog.schema import VIEWS
from stores.ports import OutboxRecord
from tests.papers import Papers
from tests.secure_servers import SecureKafka

SPECS = [TopicSpec(VIEWS, 2)]


async def works(options: KafkaOptions) -> None:
    """Makes topics, writes and reads, alone and in a group."""
    await ensure_topics(options, SPECS, replication=1)
    async with KafkaEventLog(options) as log:
        await log.append([OutboxRecord(VIEWS, 1, b"1")])
        assert [entry.value async for entry in read(log, [VIEWS])] == [b"1"]
        subscription = await log.subscribe("readers", [VIEWS])
        assert len(await subscription.poll(max_entries=1, timeout_s=60)) == 1
        await subscription.close()


async def refused(options: KafkaOptions, error: type[RankfeedError], words: str) -> None:
    """Whoever starts with these options is told, and so is whoever runs with them already."""
    with pytest.raises(error, match=words):
        await ensure_topics(options, SPECS, replication=1)
    async with KafkaEventLog(options) as log:
        with pytest.raises(error, match=words):
            await log.append([OutboxRecord(VIEWS, 1, b"1")])
        with pytest.raises(error, match=words):
            await log.subscribe("readers", [VIEWS])


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_a_password_over_tls_opens(
    secure_kafka: SecureKafka, mechanism: Literal["SCRAM-SHA-256", "SCRAM-SHA-512"]
) -> None:
    await works(replace(secure_kafka.password, sasl_mechanism=mechanism, prefix=f"{mechanism}."))


async def test_a_certificate_opens(secure_kafka: SecureKafka) -> None:
    await works(replace(secure_kafka.mutual, prefix="certificate."))


async def test_a_wrong_password(secure_kafka: SecureKafka) -> None:
    wrong = replace(secure_kafka.password, sasl_password="another")
    await refused(wrong, ConfigurationError, "check the user, the password")


async def test_a_mechanism_that_the_broker_does_not_offer(secure_kafka: SecureKafka) -> None:
    wrong = replace(secure_kafka.password, sasl_mechanism="PLAIN")
    await refused(wrong, ConfigurationError, r"set kafka\.sasl_mechanism")


@pytest.mark.parametrize("named", [True, False])
async def test_an_authority_that_did_not_sign_the_broker(
    secure_kafka: SecureKafka, papers: Papers, named: bool
) -> None:
    wrong = replace(secure_kafka.password, ssl_ca=papers.stranger.certificate if named else None)
    await refused(wrong, ConfigurationError, r"certificate of .* is not accepted .*: set kafka\.ssl_ca")


async def test_a_name_that_is_not_in_the_certificate(secure_kafka: SecureKafka) -> None:
    port = secure_kafka.password.bootstrap.partition(":")[2]
    wrong = replace(secure_kafka.password, bootstrap=f"localhost:{port}")
    await refused(wrong, ConfigurationError, "not valid for 'localhost'.*connect to a name that stands in it")


@pytest.mark.parametrize("strange", [True, False])
async def test_no_certificate_or_a_strangers(
    secure_kafka: SecureKafka, papers: Papers, strange: bool
) -> None:
    stranger = papers.stranger
    ours = (stranger.certificate, stranger.key) if strange else (None, None)
    wrong = replace(secure_kafka.mutual, ssl_certificate=ours[0], ssl_key=ours[1])
    await refused(
        wrong, ConfigurationError, r"does not accept our certificate .*: set kafka\.ssl_certificate"
    )


async def test_no_tls_where_it_is_spoken(secure_kafka: SecureKafka) -> None:
    wrong = KafkaOptions(secure_kafka.password.bootstrap, call_timeout_s=5, request_timeout_ms=2_000)
    await refused(wrong, Unavailable, "not as a Kafka broker does that speaks PLAINTEXT: TLS is spoken there")


async def test_tls_where_none_is_spoken(secure_kafka: SecureKafka) -> None:
    wrong = replace(secure_kafka.password, bootstrap=secure_kafka.open)
    await refused(wrong, Unavailable, "speaks SASL_SSL: no TLS is spoken there")


async def test_no_user_where_one_is_asked_for(secure_kafka: SecureKafka) -> None:
    without = replace(secure_kafka.password, security_protocol="SSL", sasl_username=None, sasl_password=None)
    wrong = replace(without, bootstrap=secure_kafka.password.bootstrap)
    await refused(wrong, Unavailable, "wants a user and a password, choose SASL_SSL")


async def test_a_user_where_none_is_asked_for(secure_kafka: SecureKafka, papers: Papers) -> None:
    wrong = replace(
        secure_kafka.password,
        bootstrap=secure_kafka.mutual.bootstrap,
        ssl_certificate=papers.client.certificate,
        ssl_key=papers.client.key,
    )
    await refused(wrong, ConfigurationError, "no user is asked for there; choose the security protocol SSL")


async def test_a_broker_that_sends_us_on_to_a_name_that_it_does_not_have(secure_kafka: SecureKafka) -> None:
    with pytest.raises(ConfigurationError, match=r"on to localhost:.*correct that broker's advertised"):
        await ensure_topics(secure_kafka.elsewhere, SPECS, replication=1)
