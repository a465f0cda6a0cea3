"""Why Cassandra cannot be reached, asked of each address: the driver mixes everything into one error."""

from __future__ import annotations

import socket

from cassandra.cluster import NoHostAvailable

from core.errors import ConfigurationError, Unavailable
from core.tls import greet
from stores.cassandra.options import CassandraOptions

_GREETING_S = 3.0


def why_not_reached(options: CassandraOptions, exc: NoHostAvailable) -> Unavailable | ConfigurationError:
    """ConfigurationError where it is our papers or theirs, else Unavailable with a reason per host.

    Blocking, up to 4 s a host.
    """
    reasons: list[str] = []
    for host in options.hosts:
        try:
            reasons.append(_reason(options, host, exc))
        except ConfigurationError as found:
            return found
    return Unavailable(f"Cassandra cannot be reached: {'; '.join(reasons)}")


def in_words(exc: NoHostAvailable) -> str:
    """What the driver met, host by host."""
    if isinstance(exc.errors, dict):
        return "; ".join(f"{host}: {cause}" for host, cause in exc.errors.items())
    return str(exc.args[0])


def _reason(options: CassandraOptions, host: str, exc: NoHostAvailable) -> str:
    address = f"{host}:{options.port}"
    context = None if options.tls is None else options.tls.context()
    try:
        # By number, as the driver does: it is that which a node's certificate has to name.
        number = str(socket.getaddrinfo(host, options.port, type=socket.SOCK_STREAM)[0][4][0])
        answer = greet(number, options.port, context, min(_GREETING_S, options.connect_timeout_s))
    except OSError as failure:
        return f"{address} does not answer ({failure.strerror or failure}); is Cassandra running there?"
    if options.tls is None:
        if answer.kind == "absent":
            return _stranger(address, in_words(exc))
        raise ConfigurationError(
            f"TLS is spoken at {address}: set cassandra.tls_ca to the authorities that signed its certificate"
        )
    match answer.kind:
        case "untrusted":
            raise ConfigurationError(
                f"the certificate of {address} is not accepted ({answer.said}): set cassandra.tls_ca to the "
                "authorities that signed it; it must name the node's address"
            )
        case "refused":
            raise ConfigurationError(
                f"{address} does not accept our certificate ({answer.said}): set cassandra.tls_certificate "
                "and cassandra.tls_key to one that an authority of that node's signed"
            )
        case "absent":
            return f"no TLS is spoken at {address}: check the address and the port, or unset cassandra.tls_ca"
    return _stranger(address, in_words(exc))


def _stranger(address: str, said: str) -> str:
    return (
        f"{address} answers, but not as Cassandra does ({said}); check cassandra.hosts and cassandra.port, "
        "they are those of the native protocol"
    )
