"""How a Redis is reached: its URLs, and the papers for TLS."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import SplitResult, unquote, urlsplit

from core.errors import ConfigurationError

DEFAULT_PORT = 6379


class Address(NamedTuple):
    """`host:port`; for a Unix socket its path, and port 0."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host


@dataclass(frozen=True, slots=True)
class Login:
    """What a connection says first. `repr` leaves the password out."""

    username: str = ""
    password: str = ""
    database: int = 0

    def __repr__(self) -> str:
        return f"Login({self.username!r}, database={self.database})"


@dataclass(frozen=True, slots=True)
class RedisOptions:
    """`url` is one, or for a Cluster those of some of its nodes, separated by commas.

    A Cluster's other nodes are found through any of these, and all take the login of the first.
    The files are PEM; `tls_ca` None trusts what the system trusts.
    """

    url: str
    timeout_ms: int = 250
    cluster: bool = False
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None

    def __repr__(self) -> str:
        return f"RedisOptions({', '.join(map(str, self.place.seeds))}, cluster={self.cluster})"

    @property
    def place(self) -> RedisPlace:
        return RedisPlace.parse(self.url, cluster=self.cluster)

    def tls(self) -> ssl.SSLContext | None:
        """None for a URL without TLS; raises ConfigurationError where a file cannot be used."""
        if not self.place.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.tls_ca)
            if self.tls_certificate is not None:
                context.load_cert_chain(self.tls_certificate, self.tls_key)
        except OSError as exc:
            files = [str(f) for f in (self.tls_ca, self.tls_certificate, self.tls_key) if f is not None]
            raise ConfigurationError(
                f"Redis by TLS: one of {', '.join(files)} cannot be used ({exc}): each must be a PEM file "
                "that this process may read, the key without a passphrase"
            ) from exc
        return context


@dataclass(frozen=True, slots=True)
class RedisPlace:
    """A URL taken apart."""

    seeds: tuple[Address, ...]
    login: Login
    tls: bool

    @classmethod
    def parse(cls, url: str, *, cluster: bool) -> Self:
        """Raises ConfigurationError without quoting the URL, which may hold a password."""
        parts = [_split(one.strip()) for one in url.split(",")]
        schemes = {part.scheme for part in parts}
        if len(schemes) > 1:
            raise ConfigurationError("its URLs must all begin the same: redis:// or rediss://")
        (scheme,) = schemes
        if len(parts) > 1 and not cluster:
            raise ConfigurationError("several URLs are for a Redis Cluster; one Redis has one")
        database = _database(parts[0], scheme)
        if cluster and (scheme == "unix" or database):
            raise ConfigurationError("a Redis Cluster has addresses, not a socket file, and only database 0")
        login = Login(unquote(parts[0].username or ""), unquote(parts[0].password or ""), database)
        return cls(tuple(_address(part) for part in parts), login, scheme == "rediss")


def _split(url: str) -> SplitResult:
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ConfigurationError("must begin with redis://, rediss:// or unix://")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # Not its cause: that quotes what stands there, and it may be the beginning of a password.
        raise ConfigurationError(
            "is no URL: its port must be a number below 65536. In a password / ? # , are %2F %3F %23 %2C"
        ) from None
    if parts.fragment or (parts.query and parts.scheme != "unix"):
        raise ConfigurationError("may have no options after ? or #. In a password these are %3F and %23")
    return parts


def _database(parts: SplitResult, scheme: str) -> int:
    text = parts.query.removeprefix("db=") if scheme == "unix" else parts.path.strip("/")
    if not text.isdecimal() and text:
        raise ConfigurationError("must end with the database's number, as in redis://host:6379/0")
    return int(text or 0)


def _address(parts: SplitResult) -> Address:
    if parts.scheme == "unix":
        return Address(unquote(parts.path), 0)
    return Address(parts.hostname or "localhost", parts.port or DEFAULT_PORT)
