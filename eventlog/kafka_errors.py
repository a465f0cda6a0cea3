"""What Kafka's driver raises, as our own errors that say what to do next."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import errors

from core.errors import ConfigurationError, RankfeedError, Unavailable

_NOT_ALLOWED = (
    errors.TopicAuthorizationFailedError,
    errors.GroupAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
    errors.TransactionalIdAuthorizationFailed,
)
NOT_KNOWN = (
    errors.AuthenticationFailedError,
    errors.AuthenticationMethodNotSupported,
    errors.SaslAuthenticationFailed,
    errors.UnsupportedSaslMechanismError,
    errors.IllegalSaslStateError,
)
_TOO_LARGE = (errors.MessageSizeTooLargeError, errors.RecordListTooLargeError)

DRIVER_FAILURES = (errors.KafkaError, OSError, TimeoutError)
"""What a call of the driver raises while Kafka is away, or refuses."""


def silence_driver() -> None:
    """The driver logs each of its own retries: thousands of lines a minute while a broker is away.

    What matters of it reaches the caller as an error of ours.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def translated(exc: BaseException, doing: str) -> RankfeedError:
    """The error of ours for one of DRIVER_FAILURES; `doing` says what was tried."""
    if isinstance(exc, RankfeedError):
        return exc
    if isinstance(exc, errors.IllegalSaslStateError):
        return ConfigurationError(
            f"{doing}: no user is asked for there; choose the security protocol SSL or PLAINTEXT"
        )
    if isinstance(exc, errors.UnsupportedSaslMechanismError):
        return ConfigurationError(
            f"{doing}: Kafka does not offer our SASL mechanism; set kafka.sasl_mechanism to one that it has"
        )
    if isinstance(exc, NOT_KNOWN):
        return ConfigurationError(
            f"{doing}: Kafka does not accept our credentials ({said(exc)}); check the user, the password, "
            "the SASL mechanism and the security protocol"
        )
    if isinstance(exc, _NOT_ALLOWED):
        return ConfigurationError(f"{doing}: Kafka does not allow it ({said(exc)}); grant our user the right")
    if isinstance(exc, errors.UnknownTopicOrPartitionError):
        return ConfigurationError(f"{doing}: the topic does not exist; `rankfeed migrate` makes it")
    if isinstance(exc, _TOO_LARGE):
        return ConfigurationError(
            f"{doing}: the record is larger than the topic allows; raise its max.message.bytes to what "
            "`rankfeed migrate` would have given it"
        )
    if isinstance(exc, TimeoutError) and not str(exc):
        return Unavailable(f"{doing}: no answer from Kafka in time")
    return Unavailable(f"{doing}: {said(exc)}")


@asynccontextmanager
async def calling(doing: str, timeout_s: float) -> AsyncIterator[None]:
    """Calls of the driver with a deadline, and with its errors as ours."""
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except DRIVER_FAILURES as exc:
        raise translated(exc, doing) from exc


def said(exc: BaseException) -> str:
    """What an error says, without the driver's own objects in it."""
    words = re.sub(r"^\[Error -?\d+\] ", "", re.sub(r":? ?<AIOKafka\w+ [^>]*>", "", str(exc)))
    return words or type(exc).__name__
