"""A server that is a few lines of Python, for everything that servers have in common."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from wiring.servers.nodes import NodeDirectory, NodeState
from wiring.servers.ports import answers

LISTEN = """
import signal, socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening", flush=True)
signal.pause()
"""


class FakeRecipe:
    """Nodes run `program`; ready when they listen, which is also what `missing` says."""

    name = "fake"
    stop_s = 5.0

    def __init__(self, program: str = LISTEN, ready_s: float = 30.0, data_bytes: int = 1) -> None:
        self.program = program
        self.ready_s = ready_s
        self.data_bytes = data_bytes
        self.united = 0

    def plan(self, size: int, first_port: int) -> list[NodeState]:
        return [NodeState(index, "127.0.0.1", {"client": first_port + index}) for index in range(1, size + 1)]

    def prepare(self, nodes: Sequence[NodeState], directory: Path) -> None:
        for node in nodes:
            data = NodeDirectory(directory / str(node.index)).data
            data.mkdir(parents=True, exist_ok=True)
            (data / "kept").touch()

    def command(self, node: NodeState, size: int, directory: NodeDirectory) -> list[str]:
        return [sys.executable, "-c", self.program, str(node.ports["client"])]

    def unite(self, nodes: Sequence[NodeState]) -> str | None:
        self.united += 1
        return None

    def missing(self, nodes: Sequence[NodeState]) -> str | None:
        silent = [node.address for node in nodes if not answers(node.host, node.ports["client"])]
        return f"{silent} do not listen" if silent else None
