"""Where Kafka is, how to prove who we are, and how long to wait for it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from aiokafka.client import collect_hosts
from aiokafka.helpers import create_ssl_context

from core.errors import ConfigurationError

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True)
class KafkaOptions:
    """`bootstrap` is `host:port`, several of them separated by commas.

    `prefix` stands before the name of every topic and group, so that one cluster can serve several
    installations. `instance` names this process among those of a group and stays the same over its
    restarts; one that comes back within `session_timeout_ms` gets its partitions back and nobody
    else notices. Two living processes of one group must not share it: they would throw each other
    out. Without it a consumer leaves the group when it is closed.
    """

    bootstrap: str
    prefix: str = ""
    instance: str | None = None
    security_protocol: SecurityProtocol = "PLAINTEXT"
    ssl_ca: Path | None = None
    ssl_certificate: Path | None = None
    ssl_key: Path | None = None
    sasl_mechanism: SaslMechanism = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    linger_ms: int = 2
    """Records of concurrent appends that come within this share a request: 12,000 a second, one core."""
    append_timeout_s: float = 10.0
    """After this an append is Unavailable, and its outcome unknown."""
    call_timeout_s: float = 10.0
    """The same for commits, lag and everything else."""
    request_timeout_ms: int = 5_000
    """One request to one broker; it is repeated until the call's own time is up."""
    session_timeout_ms: int = 6_000
    """A consumer that is not heard of for so long has lost its partitions; brokers allow no less."""
    drain_timeout_s: float = 25.0
    """How long a rebalance waits for the batch that a consumer has under way."""
    silence_s: float = 5.0
    """A poll that has waited so long without an answer from any broker is Unavailable."""

    def __post_init__(self) -> None:
        """ConfigurationError where the options do not go together, or name no address."""
        _require_addresses(self.bootstrap)
        papers = (self.ssl_ca, self.ssl_certificate, self.ssl_key)
        if not self.by_tls and any(papers):
            # Said, not overlooked: whoever names an authority believes that nobody can listen.
            raise ConfigurationError(
                f"Kafka's security protocol {self.security_protocol} uses no TLS, and a TLS file is named: "
                "choose SSL or SASL_SSL, or name none"
            )
        if self.ssl_key is not None and self.ssl_certificate is None:
            raise ConfigurationError("kafka.ssl_key is named without kafka.ssl_certificate: name both")
        if self._by_sasl and not (self.sasl_username and self.sasl_password):
            raise ConfigurationError(
                f"Kafka's security protocol {self.security_protocol} needs a user and a password: "
                "set both, or choose PLAINTEXT or SSL"
            )
        if not self._by_sasl and (self.sasl_username or self.sasl_password):
            raise ConfigurationError(
                f"Kafka's security protocol {self.security_protocol} asks for no user, and one is named: "
                "choose SASL_SSL or SASL_PLAINTEXT, or name none"
            )

    @property
    def by_tls(self) -> bool:
        return self.security_protocol in ("SSL", "SASL_SSL")

    @property
    def _by_sasl(self) -> bool:
        return self.security_protocol in ("SASL_PLAINTEXT", "SASL_SSL")

    def topic(self, topic: str) -> str:
        return f"{self.prefix}{topic}"

    def group(self, group: str) -> str:
        return f"{self.prefix}{group}"

    def client_arguments(self) -> dict[str, Any]:
        """What every client of the driver is made with; ConfigurationError where a file is of no use."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "client_id": "rankfeed" if self.instance is None else f"rankfeed-{self.instance}",
            "security_protocol": self.security_protocol,
            "request_timeout_ms": self.request_timeout_ms,
        }
        if self.by_tls:
            arguments["ssl_context"] = self._ssl_context()
        if self._by_sasl:
            arguments |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.sasl_password,
            }
        return arguments

    def _ssl_context(self) -> ssl.SSLContext:
        try:
            context: ssl.SSLContext = create_ssl_context(
                cafile=_path(self.ssl_ca), certfile=_path(self.ssl_certificate), keyfile=_path(self.ssl_key)
            )
        except (OSError, ssl.SSLError) as exc:
            raise ConfigurationError(
                f"Kafka's TLS files cannot be used ({exc}): the CA, the certificate and its key must be "
                "readable PEM files"
            ) from exc
        return context


def _require_addresses(bootstrap: str) -> None:
    try:
        usable = all(host and 0 < port < 65_536 for host, port, _ in collect_hosts(bootstrap))
    except ValueError:
        usable = False
    if not usable:
        raise ConfigurationError(
            f"kafka.bootstrap is '{bootstrap}': write host:port, several of them separated by commas"
        )


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path)
