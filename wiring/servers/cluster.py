"""One server under one directory: start, stop, look, and restart of a single node."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec.structs import replace

from core.errors import ConfigurationError
from wiring.home import write_private
from wiring.servers.diagnosis import explain_end, explain_silence
from wiring.servers.nodes import NodeDirectory, NodeState, ServerState, wait_for
from wiring.servers.ports import place, still_free
from wiring.servers.recipe import Recipe

SIZES = (1, 3)
_KILL_S = 10.0
_decoder = msgspec.json.Decoder(ServerState)


@dataclass(frozen=True, slots=True)
class LocalCluster:
    """`with_parent`: the nodes are killed when the process that started them ends (Linux)."""

    recipe: Recipe
    directory: Path
    say: Callable[[str], None]
    with_parent: bool = False

    def state(self) -> ServerState | None:
        """What was started here last, whether it runs or not, with the pids of what runs.

        Raises ConfigurationError where something runs here of which it is not known what, or by which
        process.
        """
        try:
            found = _decoder.decode(self._state_file.read_bytes())
        except FileNotFoundError:
            self._require_nobody()
            return None
        except msgspec.MsgspecError as exc:
            raise ConfigurationError(
                f"{self._state_file} cannot be read: end what runs there by hand and delete {self.directory}"
            ) from exc
        nodes = [replace(node, pid=self.node(node.index).pid() or 0) for node in found.nodes]
        return replace(found, nodes=nodes)

    def running(self) -> list[NodeState]:
        state = self.state()
        return [] if state is None else [node for node in state.nodes if node.pid]

    def node(self, index: int) -> NodeDirectory:
        return NodeDirectory(self.directory / str(index))

    def start(self, size: int = 1, first_port: int = 0) -> None:
        """Starts what does not run and does not wait for it: `await_ready` does.

        Raises ConfigurationError where the directory holds another number of nodes, a port is taken
        or there is no room.
        """
        if size not in SIZES:
            raise ConfigurationError(f"{self.recipe.name} starts with 1 or 3 nodes, not {size}")
        state = self.state()
        if state is not None and state.size != size:
            raise ConfigurationError(
                f"{self.directory} holds a {self.recipe.name} of {state.size}: say --nodes {state.size}, or "
                f"`rankfeed servers down {self.recipe.name} --wipe` deletes it with its data"
            )
        # What runs keeps its addresses, and so does what belongs to it.
        kept = state is not None and any(node.pid for node in state.nodes)
        nodes = state.nodes if state is not None and kept else self._placed(state, size, first_port)
        self._require_space(len(nodes))
        self.recipe.prepare(nodes, self.directory)
        self.say(f"starting {self.recipe.name}, {size} {'node' if size == 1 else 'nodes'}")
        # Before the first of them runs: wherever this is broken off, it is known what to find and to end.
        self._write(size, nodes)
        for node in nodes:
            self._spawn(node, size)

    def await_ready(self, *, unite: bool = True) -> None:
        """Returns when every node serves clients.

        Raises ConfigurationError with the node's last words and what to do, where one ends or the
        time runs out. The others keep running: `stop` ends them.
        """
        state = self._required()
        if unite:
            self._watch(state, lambda: self.recipe.unite(state.nodes))
        self._watch(state, lambda: self.recipe.missing(state.nodes))
        self.say(f"{self.recipe.name} is ready")

    def start_node(self, index: int) -> None:
        """Starts one node again with its address and data, and waits until all are ready."""
        state = self._required()
        for node in state.nodes:
            if node.index == index:
                self._spawn(node, state.size)
        self.await_ready(unite=False)

    def stop_node(self, index: int, number: signal.Signals = signal.SIGTERM) -> None:
        """Ends one node by a signal (SIGKILL for a crash) and returns when it is gone."""
        state = self._required()
        for node in state.nodes:
            if node.index == index:
                self.node(index).signal(number)
                self._await_end(node, self.recipe.stop_s)

    def stop(self) -> None:
        """Ends all nodes: SIGTERM to all, SIGKILL to what does not end in time. Data stays."""
        running = self.running()
        for node in running:
            self.node(node.index).signal(signal.SIGTERM)
        end_s = time.monotonic() + self.recipe.stop_s
        for node in running:
            self._await_end(node, max(0.0, end_s - time.monotonic()))

    def wipe(self) -> None:
        """Kills it and deletes everything."""
        for node in self.running():
            self.node(node.index).signal(signal.SIGKILL)
            self._await_end(node, _KILL_S)
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def _state_file(self) -> Path:
        return self.directory / "state.json"

    def _write(self, size: int, nodes: list[NodeState]) -> None:
        state = ServerState(self.recipe.name, size, [replace(node, pid=0) for node in nodes])
        write_private(self._state_file, msgspec.json.encode(state))

    def _require_nobody(self) -> None:
        for root in self.directory.glob("[0-9]*"):
            if (pid := NodeDirectory(root).pid()) is not None:
                raise ConfigurationError(
                    f"{self._state_file} is gone, and process {pid} runs in {root}: end it by hand "
                    f"(`kill {pid}`), then run the same command again"
                )

    def _required(self) -> ServerState:
        state = self.state()
        if state is None:
            raise ConfigurationError(
                f"no {self.recipe.name} in {self.directory}: `rankfeed servers up {self.recipe.name}`"
            )
        return state

    def _placed(self, state: ServerState | None, size: int, first_port: int) -> list[NodeState]:
        # The former addresses if they can be had: clients may remember them.
        if state is not None and not first_port and still_free(state.nodes):
            return state.nodes
        return place(lambda first: self.recipe.plan(size, first), first_port)

    def _spawn(self, node: NodeState, size: int) -> None:
        directory = self.node(node.index)
        if not directory.is_running():
            directory.spawn(self.recipe.command(node, size, directory), with_parent=self.with_parent)

    def _watch(self, state: ServerState, missing: Callable[[], str | None]) -> None:
        last: str | None = None

        def ready_or_dead() -> bool:
            nonlocal last
            for node in state.nodes:
                directory = self.node(node.index)
                if not directory.is_running():
                    raise explain_end(self.recipe.name, node, directory)
            last = missing()
            return last is None

        if not wait_for(ready_or_dead, self.recipe.ready_s):
            raise explain_silence(self.recipe.name, self.recipe.ready_s, str(last), self.directory)

    def _await_end(self, node: NodeState, timeout_s: float) -> None:
        directory = self.node(node.index)
        if not directory.await_end(timeout_s):
            self.say(f"{self.recipe.name} node {node.index} did not stop; killing it")
            directory.signal(signal.SIGKILL)
            directory.await_end(_KILL_S)

    def _require_space(self, nodes: int) -> None:
        needed = self.recipe.data_bytes * nodes
        self.directory.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.directory).free
        if free < needed:
            raise ConfigurationError(
                f"{self.directory} has {free / 1e6:.0f} MB left and {self.recipe.name} needs "
                f"{needed / 1e6:.0f} MB: make room, or set RANKFEED_HOME to another disk"
            )
