"""What a server has to say of itself so that it can be started, stopped and looked at like any other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from wiring.servers.nodes import NodeDirectory, NodeState


class Recipe(Protocol):
    """One server. Nothing here starts a node: it is asked for files, commands and readiness."""

    @property
    def name(self) -> str: ...

    @property
    def ready_s(self) -> float:
        """Time after which a node that is not ready counts as broken; a busy machine is allowed for."""
        ...

    @property
    def stop_s(self) -> float:
        """Time that a node gets to end by itself."""
        ...

    @property
    def data_bytes(self) -> int:
        """Free space that one node needs to start."""
        ...

    def plan(self, size: int, first_port: int) -> list[NodeState]:
        """The nodes with their addresses, not yet running."""
        ...

    def prepare(self, nodes: Sequence[NodeState], directory: Path) -> None:
        """Writes everything that the nodes need before they start; what is there already stays.

        May download. Raises what `JarCache.libraries` raises.
        """
        ...

    def command(self, node: NodeState, size: int, directory: NodeDirectory) -> list[str]:
        """The command line of one node of a server of `size`, for which all is there since `prepare`.

        Nodes start one after the other by it: what takes time belongs there.
        """
        ...

    def unite(self, nodes: Sequence[NodeState]) -> str | None:
        """Makes nodes that run one cluster, where they do not find each other by themselves.

        Called until it returns None; in between it says what it waits for.
        """
        ...

    def missing(self, nodes: Sequence[NodeState]) -> str | None:
        """What is not ready yet, in words; None once every node serves clients."""
        ...
