"""Servers on Java: what `prepare` has looked at is not looked at again for each node."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import Unavailable
from wiring.servers.cassandra import CassandraRecipe
from wiring.servers.jars import Jar, JarCache
from wiring.servers.java import Java
from wiring.servers.kafka import KafkaRecipe
from wiring.servers.nodes import NodeDirectory
from wiring.servers.recipe import Recipe


def _nowhere(jar: Jar, directory: Path) -> Path:
    raise Unavailable(f"{jar.coordinate} is away")


@pytest.mark.parametrize("kind", [KafkaRecipe, CassandraRecipe], ids=lambda kind: str(kind.__name__))
def test_jars_are_asked_for_once_a_start_not_once_a_node(
    kind: type[KafkaRecipe | CassandraRecipe], tmp_path: Path
) -> None:
    archive = tmp_path / "java" / "1.2.jsa"
    archive.parent.mkdir()
    archive.touch()
    jars = JarCache(tmp_path, lambda line: None, _nowhere)
    recipe: Recipe = kind(Java(tmp_path, runtime=lambda: (tmp_path / "java" / "binary", "1.2")), jars)
    nodes = recipe.plan(3, 12_000)
    with pytest.raises(Unavailable):
        recipe.prepare(nodes, tmp_path)
    for node in nodes:
        command = recipe.command(node, 3, NodeDirectory(tmp_path / str(node.index)))
        (libraries,) = (tmp_path / "jars").iterdir()
        assert command[command.index("-cp") + 1] == f"{libraries}/*"
