"""Why Kafka cannot be reached, asked of each address: the driver only logs it."""

from __future__ import annotations

import asyncio

from aiokafka.client import collect_hosts
from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.metadata import MetadataRequest

from core.errors import ConfigurationError, RankfeedError, Unavailable
from core.tls import TlsAnswer, greet
from eventlog.kafka_errors import DRIVER_FAILURES, NOT_KNOWN, said, translated
from eventlog.kafka_options import KafkaOptions

# Whoever waits for the answer has a deadline of his own, and has spent half of it on the attempt.
_CONNECT_MS = 2_000
_GREETING_S = 1.0
_HANG_UP_S = 1.0


class _Reason(Exception):
    """Why an address is of no use just now; it may be later."""


async def why_not_reached(options: KafkaOptions) -> RankfeedError:
    """ConfigurationError where it is our papers or theirs, else Unavailable with a reason per address."""
    reasons: list[str] = []
    for host, port, _ in collect_hosts(options.bootstrap):
        try:
            await _follow(options, host, port)
        except _Reason as exc:
            reasons.append(str(exc))
        except ConfigurationError as exc:
            return exc
        else:
            reasons.append(f"{host}:{port} answers now: try again")
    return Unavailable(f"Kafka cannot be reached: {'; '.join(reasons)}")


async def _follow(options: KafkaOptions, host: str, port: int) -> None:
    """Goes to an address, and on to the brokers that it names, as every client does."""
    for broker_host, broker_port in await _brokers_at(options, host, port):
        if (broker_host, broker_port) == (host, port):
            continue
        on_from = f"{host}:{port} sends its clients on to {broker_host}:{broker_port}"
        advice = "correct that broker's advertised.listeners"
        try:
            await _brokers_at(options, broker_host, broker_port)
        except _Reason as exc:
            raise _Reason(f"{on_from}, and {exc}; or {advice}") from exc
        except ConfigurationError as exc:
            raise ConfigurationError(f"{on_from}, and {exc}; or {advice}") from exc


async def _brokers_at(options: KafkaOptions, host: str, port: int) -> list[tuple[str, int]]:
    arguments = options.client_arguments()
    del arguments["bootstrap_servers"]
    arguments["request_timeout_ms"] = timeout_ms = min(_CONNECT_MS, options.request_timeout_ms)
    address = f"{host}:{port}"
    await _listens(address, host, port, timeout_ms / 1000)
    connection = AIOKafkaConnection(host, port, **arguments)
    try:
        await connection.connect()
    except NOT_KNOWN as exc:
        await _hung_up(connection)
        raise translated(exc, f"connecting to {address}") from exc
    except (*DRIVER_FAILURES, ValueError) as exc:
        context, greeting_s = arguments.get("ssl_context"), min(_GREETING_S, timeout_ms / 2000)
        try:
            answer = await asyncio.to_thread(greet, host, port, context, greeting_s)
        except OSError as gone:
            raise _Reason(f"{address} does not answer any more ({said(gone)})") from gone
        raise _by_answer(options, address, answer) from exc
    try:
        metadata = await connection.send(MetadataRequest([]))
    except DRIVER_FAILURES as exc:
        raise _Reason(
            f"{address} hangs up when it is asked for its topics ({said(exc)}): where it wants a user and a "
            "password, choose SASL_SSL or SASL_PLAINTEXT"
        ) from exc
    finally:
        await _hung_up(connection)
    return [(broker[1], broker[2]) for broker in metadata.brokers]


async def _listens(address: str, host: str, port: int, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            await writer.wait_closed()
    except OSError as exc:
        raise _Reason(f"{address} does not answer ({said(exc)}); is a broker running there?") from exc


async def _hung_up(connection: AIOKafkaConnection) -> None:
    """Closes a connection that stood; under TLS the other side has a say in it."""
    await asyncio.wait([connection.close()], timeout=_HANG_UP_S)


def _by_answer(options: KafkaOptions, address: str, answer: TlsAnswer) -> ConfigurationError | _Reason:
    if answer.kind == "untrusted":
        return ConfigurationError(
            f"the certificate of {address} is not accepted ({answer.said}): set kafka.ssl_ca to the "
            "authorities that signed it, and connect to a name that stands in it"
        )
    if answer.kind == "refused" and options.by_tls:
        return ConfigurationError(
            f"{address} does not accept our certificate ({answer.said}): set kafka.ssl_certificate and "
            "kafka.ssl_key to one that an authority of that broker's signed"
        )
    hint = "check kafka.bootstrap and kafka.security_protocol"
    if options.by_tls and answer.kind == "absent":
        hint = "no TLS is spoken there; if it is one, choose PLAINTEXT or SASL_PLAINTEXT"
    if not options.by_tls and answer.kind != "absent":
        hint = "TLS is spoken there; if it is one, choose SSL or SASL_SSL"
    return _Reason(
        f"{address} answers, but not as a Kafka broker does that speaks {options.security_protocol}: {hint}"
    )
