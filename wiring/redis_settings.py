"""The Redis that the settings name, one or a Cluster; what cannot work is refused before the work begins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from core.errors import ConfigurationError, Unavailable
from core.tls import greet
from stores.redis_assembly import open_redis
from stores.redis_client import RedisClient
from stores.redis_errors import RedisRefused
from stores.redis_options import RedisOptions
from wiring.environment import variable_of
from wiring.settings import Settings

URL = variable_of(("redis", "url"))
_logger = structlog.get_logger("redis")


def redis_options(settings: Settings) -> RedisOptions:
    """Raises ConfigurationError where none is named, or where its settings do not go together."""
    redis = settings.redis
    if redis.url is None:
        raise ConfigurationError(f"no Redis is known: start the stack with `rankfeed up`, or set {URL}")
    options = RedisOptions(
        redis.url.get_secret_value(),
        redis.timeout_ms,
        redis.cluster,
        redis.tls_ca,
        redis.tls_certificate,
        redis.tls_key,
    )
    try:
        place = options.place
    except ConfigurationError as exc:
        raise ConfigurationError(f"{URL}: {exc}") from exc
    if not place.tls and any((redis.tls_ca, redis.tls_certificate, redis.tls_key)):
        raise ConfigurationError(f"{URL}: files for TLS are named, so it must begin with rediss://")
    if redis.tls_key is not None and redis.tls_certificate is None:
        raise ConfigurationError(
            f"{variable_of(('redis', 'tls_key'))} is the key of a certificate: set "
            f"{variable_of(('redis', 'tls_certificate'))} as well"
        )
    return options


@asynccontextmanager
async def opened_redis(settings: Settings) -> AsyncIterator[RedisClient]:
    """A client that is closed at the end. Redis may be away.

    Raises ConfigurationError where Redis is there and will never let us in like this.
    """
    options = redis_options(settings)
    redis = open_redis(options)
    try:
        await _require_welcome(redis, options)
        yield redis
    finally:
        await redis.aclose()


async def _require_welcome(redis: RedisClient, options: RedisOptions) -> None:
    try:
        await redis.ping()
    except RedisRefused as exc:
        raise ConfigurationError(
            f"{exc}. See {URL}, {variable_of(('redis', 'cluster'))} and {variable_of(('redis', 'tls_ca'))}"
        ) from exc
    except Unavailable as exc:
        if said := await asyncio.to_thread(_who_refuses_us, options):
            raise ConfigurationError(
                f"{said}: if it asks for a certificate, set {variable_of(('redis', 'tls_certificate'))} and "
                f"{variable_of(('redis', 'tls_key'))} to one that it accepts"
            ) from exc
        _logger.warning("redis_away", error=str(exc))


def _who_refuses_us(options: RedisOptions) -> str | None:
    """A server that ends our TLS greeting, in words; a driver only sees that the connection is gone."""
    if (context := options.tls()) is None:
        return None
    for address in options.place.seeds:
        try:
            answer = greet(address.host, address.port, context, options.timeout_ms / 1000)
        except OSError:
            continue
        if answer.kind == "refused":
            return f"redis at {address} does not accept us ({answer.said})"
    return None
