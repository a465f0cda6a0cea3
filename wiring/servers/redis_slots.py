"""The nodes of a Redis Cluster brought together: who has which slots, and who is whose copy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import redis
from redis.exceptions import RedisError

from wiring.servers.nodes import NodeState

SLOTS = 16_384
_ASK_S = 2.0


def unite(nodes: Sequence[NodeState]) -> str | None:
    """Gives the primaries their slots and the replicas their primaries; each step only once.

    Returns why it is not done yet, or None.
    """
    try:
        with _clients(nodes) as clients:
            return _unite(nodes, clients)
    except RedisError as exc:
        return str(exc)


def missing(nodes: Sequence[NodeState]) -> str | None:
    """What the first node lacks that is not ready, or None."""
    try:
        with _clients(nodes) as clients:
            reasons = (
                _not_ready(node, client, len(nodes)) for node, client in zip(nodes, clients, strict=True)
            )
            return next((reason for reason in reasons if reason), None)
    except RedisError as exc:
        return str(exc)


def _unite(nodes: Sequence[NodeState], clients: Sequence[redis.Redis]) -> str | None:
    primaries = 1 if len(nodes) == 1 else len(nodes) // 2
    for position, (node, client) in enumerate(zip(nodes, clients, strict=True)):
        view = _cluster(client, "INFO")
        if view["cluster_my_epoch"] != "0" or view["cluster_known_nodes"] != "1":
            continue
        # Distinct epochs from the beginning: the nodes never have to argue about them.
        _cluster(client, "SET-CONFIG-EPOCH", node.index)
        if position < primaries:
            _cluster(client, "ADDSLOTS", *range(*_slots(position, primaries)))
        if position:
            _cluster(client, "MEET", nodes[0].host, nodes[0].ports["client"])
    if any(_cluster(client, "INFO")["cluster_known_nodes"] != str(len(nodes)) for client in clients):
        return "the nodes do not know each other yet"
    for position, client in enumerate(clients[primaries:]):
        known = _cluster(client, "NODES").values()
        myself = next(entry for entry in known if "myself" in entry["flags"])
        if "master" in myself["flags"] and not myself["slots"]:
            _cluster(client, "REPLICATE", _cluster(clients[position], "MYID"))
    return None


def _slots(part: int, parts: int) -> tuple[int, int]:
    return SLOTS * part // parts, SLOTS * (part + 1) // parts


def _not_ready(node: NodeState, client: redis.Redis, nodes: int) -> str | None:
    view = _cluster(client, "INFO")
    if view["cluster_known_nodes"] != str(nodes) or view["cluster_slots_ok"] != str(SLOTS):
        return f"node {node.index} sees {view['cluster_slots_ok']} of {SLOTS} slots"
    if view["cluster_state"] != "ok":
        return f"node {node.index} says cluster_state:{view['cluster_state']}"
    link: Any = client.info("replication")
    if link["role"] == "slave" and link["master_link_status"] != "up":
        return f"node {node.index} is not yet a copy of its primary"
    if link["role"] == "master" and nodes > 1 and not link["connected_slaves"]:
        return f"node {node.index} has no replica yet"
    return None


def _cluster(client: redis.Redis, command: str, *arguments: object) -> Any:
    execute: Any = client.execute_command  # not annotated there
    return execute(f"CLUSTER {command}", *arguments)


@contextmanager
def _clients(nodes: Sequence[NodeState]) -> Iterator[list[redis.Redis]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                redis.Redis(
                    node.host,
                    node.ports["client"],
                    socket_timeout=_ASK_S,
                    socket_connect_timeout=_ASK_S,
                    decode_responses=True,
                )
            )
            for node in nodes
        ]
