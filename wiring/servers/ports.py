"""Ports for servers that have to find them again after a restart."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Sequence

from core.errors import ConfigurationError
from wiring.servers.nodes import NodeState

# Below the range that systems hand out for outgoing connections (Linux from 32768): a port from
# there may be in use as somebody's source port when a node comes back.
FIRST, LAST = 12_000, 21_500
_TRIES = 100

Plan = Callable[[int], list[NodeState]]


def place(plan: Plan, first: int) -> list[NodeState]:
    """The nodes of `plan(first)`, all of whose ports are free; `first` 0 picks one.

    Raises ConfigurationError naming the address that is taken, or that this machine does not have.
    """
    if first:
        nodes = plan(first)
        if taken := _taken(nodes):
            raise ConfigurationError(
                f"{taken} is in use by another program: stop that one, or choose another port "
                "with RANKFEED_SERVERS_KAFKA_PORT, _CASSANDRA_PORT or _REDIS_PORT"
            )
        return nodes
    for _ in range(_TRIES):
        # Not a secret, and two who start at the same moment must not draw the same one.
        nodes = plan(random.SystemRandom().randint(FIRST, LAST))
        if not _taken(nodes):
            return nodes
    raise ConfigurationError(f"no free ports between {FIRST} and {LAST}: choose one")


def still_free(nodes: Sequence[NodeState]) -> bool:
    return not _taken(nodes)


def answers(host: str, port: int) -> bool:
    """Whether something accepts connections there; that is not yet readiness."""
    try:
        with socket.create_connection((host, port), 1.0):
            return True
    except OSError:
        return False


def _taken(nodes: Sequence[NodeState]) -> str | None:
    for node in nodes:
        for port in node.ports.values():
            with socket.socket() as probe:
                # As servers do: a port whose last connections still linger is free.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((node.host, port))
                except OSError as exc:
                    _require_address(node.host, exc)
                    return f"{node.host}:{port}"
    return None


def _require_address(host: str, error: OSError) -> None:
    try:
        with socket.socket() as probe:
            probe.bind((host, 0))
    except OSError:
        raise ConfigurationError(
            f"this machine has no address {host}, which the second and third node need: on macOS "
            f"`sudo ifconfig lo0 alias {host}`, or start one node"
        ) from error
