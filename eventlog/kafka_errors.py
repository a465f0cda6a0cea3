"""What Kafka's driver raises, as our own errors that say what to do next."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import errors
from aiokafka.client import collect_hosts
from aiokafka.conn import create_conn

from core.errors import ConfigurationError, RankfeedError, Unavailable
from eventlog.kafka_options import KafkaOptions

_NOT_ALLOWED = (
    errors.TopicAuthorizationFailedError,
    errors.GroupAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
    errors.TransactionalIdAuthorizationFailed,
)
_NOT_KNOWN = (
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
    if isinstance(exc, _NOT_KNOWN):
        return ConfigurationError(
            f"{doing}: Kafka does not accept our credentials ({_said(exc)}); check the user, the password, "
            "the SASL mechanism and the security protocol"
        )
    if isinstance(exc, _NOT_ALLOWED):
        return ConfigurationError(
            f"{doing}: Kafka does not allow it ({_said(exc)}); grant our user the right"
        )
    if isinstance(exc, errors.UnknownTopicOrPartitionError):
        return ConfigurationError(f"{doing}: the topic does not exist; `rankfeed migrate` makes it")
    if isinstance(exc, _TOO_LARGE):
        return ConfigurationError(
            f"{doing}: the record is larger than the topic allows; raise its max.message.bytes to what "
            "`rankfeed migrate` would have given it"
        )
    if isinstance(exc, TimeoutError) and not str(exc):
        return Unavailable(f"{doing}: no answer from Kafka in time")
    return Unavailable(f"{doing}: {_said(exc)}")


@asynccontextmanager
async def calling(doing: str, timeout_s: float) -> AsyncIterator[None]:
    """Calls of the driver with a deadline, and with its errors as ours."""
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except DRIVER_FAILURES as exc:
        raise translated(exc, doing) from exc


async def why_not_reached(options: KafkaOptions) -> RankfeedError:
    """Asks each address for the reason that the driver only logs: its bootstrap failed on all of them."""
    reasons: list[str] = []
    arguments = options.client_arguments()
    del arguments["bootstrap_servers"]
    for host, port, _ in collect_hosts(options.bootstrap):
        try:
            async with asyncio.timeout(options.request_timeout_ms / 1000):
                _, writer = await asyncio.open_connection(host, port)
            writer.close()
        except OSError as exc:
            reasons.append(f"{host}:{port} does not answer ({_said(exc)}); is a broker running there?")
            continue
        try:
            connection = await create_conn(host, port, **arguments)
        except _NOT_KNOWN as exc:
            return translated(exc, f"connecting to {host}:{port}")
        except ssl.SSLCertVerificationError as exc:
            return ConfigurationError(
                f"the certificate of {host}:{port} is not accepted ({exc.verify_message}): set the CA that "
                "signed it, and connect to a name that stands in it"
            )
        except (*DRIVER_FAILURES, ValueError):
            reasons.append(
                f"{host}:{port} answers, but not as a Kafka broker does that speaks "
                f"{options.security_protocol}; check the address and the security protocol"
            )
        else:
            connection.close()
            reasons.append(f"{host}:{port} answers now")
    return Unavailable(f"Kafka cannot be reached: {'; '.join(reasons)}")


def _said(exc: BaseException) -> str:
    return str(exc) or type(exc).__name__
