"""Where Cassandra is and how it is spoken to."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class CassandraTls:
    """`certificate` and `key` are the client's own, where the server asks for them."""

    authorities: Path
    certificate: Path | None = None
    key: Path | None = None
    check_hostname: bool = True

    def __post_init__(self) -> None:
        if self.key is not None and self.certificate is None:
            raise ConfigurationError(
                "cassandra.tls_key is named without cassandra.tls_certificate: name both"
            )

    def context(self) -> ssl.SSLContext:
        """Raises ConfigurationError naming the files where one cannot be used."""
        try:
            context = ssl.create_default_context(cafile=str(self.authorities))
            context.check_hostname = self.check_hostname
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as exc:
            raise ConfigurationError(
                f"Cassandra's TLS files cannot be used ({exc}): {self.authorities}, "
                f"{self.certificate}, {self.key} must be readable PEM files that belong together"
            ) from exc
        return context


@dataclass(frozen=True, slots=True)
class CassandraOptions:
    """`replication` counts for the keyspace's creation only: 1 for one local node, else 3.

    `timeout_s` is the longest that one statement may take, or a page of one. With `speculative_retry`
    at 50 ms a read after a node's death needs its full failure detection, which is why it is 12 s.
    """

    hosts: tuple[str, ...] = ("127.0.0.1",)
    port: int = 9042
    keyspace: str = "rankfeed"
    datacenter: str = "datacenter1"
    replication: int = 1
    timeout_s: float = 12.0
    connect_timeout_s: float = 10.0
    in_flight: int = 512
    """Statements that one process has under way at once; more wait their turn."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: CassandraTls | None = None

    def __post_init__(self) -> None:
        # It stands in DDL, which takes no parameters.
        if not (self.keyspace.isascii() and self.keyspace.isidentifier() and len(self.keyspace) <= 48):
            raise ConfigurationError(
                f"keyspace '{self.keyspace}' must be at most 48 letters, digits and underscores, "
                "and begin with a letter"
            )
        if not self.hosts:
            raise ConfigurationError("no Cassandra host is named: give at least one address")
        if (self.username is None) != (self.password is None):
            raise ConfigurationError(
                "cassandra.username and cassandra.password belong together: set both, or neither"
            )

    @property
    def address(self) -> str:
        return ", ".join(f"{host}:{self.port}" for host in self.hosts)
