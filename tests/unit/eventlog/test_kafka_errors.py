"""The driver's errors as ours: which may pass by themselves, and which need somebody to act."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import errors

from core.errors import ConfigurationError, Corrupt, Unavailable
from eventlog.kafka_errors import DRIVER_FAILURES, calling, translated


@pytest.mark.parametrize(
    "exc",
    [
        errors.KafkaConnectionError("gone"),
        errors.RequestTimedOutError(),
        errors.NotLeaderForPartitionError(),
        errors.OutOfOrderSequenceNumber(),
        errors.CommitFailedError("rebalanced"),
        ConnectionRefusedError(111, "refused"),
        TimeoutError(),
    ],
)
def test_what_may_pass_is_unavailable_and_says_what_was_tried(exc: Exception) -> None:
    assert isinstance(exc, DRIVER_FAILURES)
    error = translated(exc, "appending 3 records")
    assert type(error) is Unavailable
    assert str(error).startswith("appending 3 records: ")


@pytest.mark.parametrize(
    ("exc", "advice"),
    [
        (errors.AuthenticationFailedError("bad password"), "check the user, the password"),
        (errors.SaslAuthenticationFailed(), "check the user, the password"),
        (errors.UnsupportedSaslMechanismError(), "SASL mechanism"),
        (errors.TopicAuthorizationFailedError("views.v1"), "grant"),
        (errors.GroupAuthorizationFailedError("readers"), "grant"),
        (errors.UnknownTopicOrPartitionError(), "rankfeed migrate"),
        (errors.MessageSizeTooLargeError(), "max.message.bytes"),
    ],
)
def test_what_somebody_must_change_says_what(exc: Exception, advice: str) -> None:
    error = translated(exc, "appending")
    assert type(error) is ConfigurationError
    assert advice in str(error)


async def test_a_call_has_a_deadline() -> None:
    with pytest.raises(Unavailable, match="waiting for nothing: no answer"):
        async with calling("waiting for nothing", 0.0):
            await asyncio.Event().wait()


async def test_errors_of_ours_and_bugs_go_through_as_they_are() -> None:
    for exc in (Corrupt("bytes"), KeyError("bug")):
        with pytest.raises(type(exc)):
            async with calling("reading", 5):
                raise exc
