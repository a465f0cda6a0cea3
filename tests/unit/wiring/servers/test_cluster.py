"""What all servers have in common: addresses, data, single nodes, and words when something is wrong."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from tests.unit.wiring.servers.fake_recipe import FakeRecipe
from wiring.servers.cluster import LocalCluster
from wiring.servers.nodes import NodeDirectory, NodeState


@contextmanager
def _cluster(root: Path, recipe: FakeRecipe | None = None) -> Iterator[LocalCluster]:
    cluster = LocalCluster(recipe or FakeRecipe(), root / "fake", lambda line: None, with_parent=True)
    try:
        yield cluster
    finally:
        cluster.stop()


def test_it_runs_until_it_is_stopped_and_comes_back_with_its_address_and_data(tmp_path: Path) -> None:
    with _cluster(tmp_path) as cluster:
        cluster.start(3)
        cluster.await_ready()
        before = cluster.running()
        assert [node.index for node in before] == [1, 2, 3]
        cluster.stop()
        assert cluster.running() == []
        cluster.start(3)
        cluster.await_ready()
        after = cluster.running()
        assert [node.address for node in after] == [node.address for node in before]
        assert {node.pid for node in after}.isdisjoint(node.pid for node in before)
        assert (cluster.node(1).data / "kept").exists()


def test_starting_what_runs_changes_nothing(tmp_path: Path) -> None:
    with _cluster(tmp_path) as cluster:
        cluster.start()
        cluster.await_ready()
        before = cluster.running()
        cluster.start()
        cluster.await_ready()
        assert cluster.running() == before


def test_one_node_is_killed_and_started_again(tmp_path: Path) -> None:
    recipe = FakeRecipe()
    with _cluster(tmp_path, recipe) as cluster:
        cluster.start(3)
        cluster.await_ready()
        before = cluster.running()
        cluster.stop_node(2, signal.SIGKILL)
        assert [node.index for node in cluster.running()] == [1, 3]
        cluster.start_node(2)
        after = cluster.running()
        assert [node.address for node in after] == [node.address for node in before]
        assert [a.pid == b.pid for a, b in zip(after, before, strict=True)] == [True, False, True]
        assert recipe.united == 1


def test_another_look_at_the_same_directory_sees_the_same(tmp_path: Path) -> None:
    with _cluster(tmp_path) as cluster, _cluster(tmp_path) as other:
        cluster.start()
        cluster.await_ready()
        assert other.running() == cluster.running()
        other.stop()
        assert cluster.running() == []


def test_what_a_killed_starter_left_is_found_and_ended(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from tests.unit.wiring.servers.fake_recipe import LISTEN, FakeRecipe\n"
        "from wiring.servers.cluster import LocalCluster\n"
        "class KilledAtTheSecond(FakeRecipe):\n"
        "    def command(self, node, size, directory):\n"
        "        if node.index == 2:\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return super().command(node, size, directory)\n"
        # Nobody else ends it where it is not found.
        "recipe = KilledAtTheSecond('import signal; signal.alarm(60)' + LISTEN)\n"
        "LocalCluster(recipe, Path(sys.argv[1]), lambda line: None).start(3)\n"
    )
    with _cluster(tmp_path) as cluster:
        starter = subprocess.run([sys.executable, "-c", program, str(cluster.directory)], check=False)
        assert starter.returncode == -signal.SIGKILL
        (left,) = cluster.running()
        cluster.start(3)
        cluster.await_ready()
        running = cluster.running()
        assert [node.index for node in running] == [1, 2, 3]
        assert running[0] == left
        cluster.stop()
        assert cluster.running() == []


def test_what_was_started_before_a_node_that_cannot_be_is_ended(tmp_path: Path) -> None:
    class NoSecond(FakeRecipe):
        def command(self, node: NodeState, size: int, directory: NodeDirectory) -> list[str]:
            usual = super().command(node, size, directory)
            return ["/nowhere/java"] if node.index == 2 else usual

    with _cluster(tmp_path, NoSecond()) as cluster:
        with pytest.raises(ConfigurationError, match=r"/nowhere/java cannot be started in .*fake/2"):
            cluster.start(3)
        assert [node.index for node in cluster.running()] == [1]
        cluster.stop()
        assert not cluster.node(1).is_running()


def test_a_node_whose_server_nobody_remembers_is_told_and_left_alone(tmp_path: Path) -> None:
    with _cluster(tmp_path) as cluster:
        cluster.start()
        (node,) = cluster.running()
        state_file = cluster.directory / "state.json"
        remembered = state_file.read_bytes()
        state_file.unlink()
        for attempt in (cluster.start, cluster.stop, cluster.wipe):
            with pytest.raises(ConfigurationError, match=rf"process {node.pid} runs in .*fake/1: end it"):
                attempt()
        state_file.write_bytes(remembered)
        assert cluster.running() == [node]


def test_nodes_end_with_the_process_that_started_them_where_that_was_asked(tmp_path: Path) -> None:
    program = (
        "import signal, sys\n"
        "from pathlib import Path\n"
        "from tests.unit.wiring.servers.fake_recipe import FakeRecipe\n"
        "from wiring.servers.cluster import LocalCluster\n"
        "cluster = LocalCluster(FakeRecipe(), Path(sys.argv[1]), lambda line: None, with_parent=True)\n"
        "cluster.start()\n"
        "cluster.await_ready()\n"
        "print('ready', flush=True)\n"
        "signal.pause()\n"
    )
    with _cluster(tmp_path) as cluster:
        command = [sys.executable, "-c", program, str(cluster.directory)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
            assert parent.stdout is not None
            assert parent.stdout.readline() == b"ready\n"
            assert len(cluster.running()) == 1
            parent.kill()
        assert cluster.node(1).await_end(30.0)


def test_another_number_of_nodes_is_refused_until_it_is_wiped(tmp_path: Path) -> None:
    with _cluster(tmp_path) as cluster:
        cluster.start(1)
        cluster.await_ready()
        with pytest.raises(ConfigurationError, match=r"a fake of 1: say --nodes 1, .* --wipe"):
            cluster.start(3)
        cluster.wipe()
        assert not cluster.directory.exists()
        cluster.start(3)
        cluster.await_ready()
        assert len(cluster.running()) == 3


def test_a_former_address_that_is_taken_is_given_up(tmp_path: Path) -> None:
    with _cluster(tmp_path) as cluster:
        cluster.start()
        cluster.await_ready()
        (node,) = cluster.running()
        cluster.stop()
        with socket.create_server((node.host, node.ports["client"])):
            cluster.start()
            cluster.await_ready()
            assert cluster.running()[0].address != node.address


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("java.net.BindException: Address already in use", "in use by another program"),
        ("java.io.IOException: No space left on device", "make room"),
        ("Terminating due to java.lang.OutOfMemoryError: Java heap space", "ran out of memory"),
        ("Could not allocate compressed class space: 1073741824 bytes", "ran out of memory"),
        ("#  SIGBUS (0x7) at pc=0x00007fdc81000fbe", "make room"),
        ("AccessDeniedException: /data", "may not write"),
        ("java.lang.IllegalStateException: what?", "--wipe"),
    ],
)
def test_a_node_that_ends_says_why_and_what_to_do(tmp_path: Path, said: str, advice: str) -> None:
    with _cluster(tmp_path, FakeRecipe(f"import sys; print({said!r}); sys.exit(3)")) as cluster:
        cluster.start()
        with pytest.raises(ConfigurationError) as caught:
            cluster.await_ready()
        words = str(caught.value)
        assert "fake node 1 at 127.0.0.1:" in words
        assert "exit code 3" in words
        assert advice in words
        assert f"  {said}" in words
        assert str(cluster.node(1).log) in words


def test_a_node_that_the_system_kills_is_told_as_memory(tmp_path: Path) -> None:
    program = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    with _cluster(tmp_path, FakeRecipe(program)) as cluster:
        cluster.start()
        with pytest.raises(ConfigurationError, match=r"signal SIGKILL.*memory"):
            cluster.await_ready()


def test_a_node_that_never_gets_ready_is_told_with_what_is_missing(tmp_path: Path) -> None:
    with _cluster(tmp_path, FakeRecipe("import signal; signal.pause()", ready_s=0.1)) as cluster:
        cluster.start()
        with pytest.raises(ConfigurationError, match=r"not ready after 0 s: .* do not listen.*logs fake"):
            cluster.await_ready()


def test_no_room_is_told_before_anything_starts(tmp_path: Path) -> None:
    with _cluster(tmp_path, FakeRecipe(data_bytes=1 << 60)) as cluster:
        with pytest.raises(ConfigurationError, match=r"MB left and fake needs .* make room"):
            cluster.start()
        assert cluster.running() == []


def test_a_state_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with _cluster(tmp_path) as cluster:
        cluster.start()
        cluster.stop()
        state_file = cluster.directory / "state.json"
        state_file.write_text("{")
        with pytest.raises(ConfigurationError, match=r"state\.json cannot be read"):
            cluster.running()
        state_file.unlink()
