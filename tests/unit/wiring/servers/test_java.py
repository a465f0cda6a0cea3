"""The command line of a server on Java: its archive of classes is made once, whoever else starts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from wiring.servers.java import Java


def _java(root: Path, then: str = "") -> Java:
    """One that writes down that it made an archive, and what `then` says in the shell."""
    binary = root / "java"
    binary.write_text(f'#!/bin/sh\necho made >> {root}/made\necho classes > "${{2#*=}}"\n{then}\n')
    binary.chmod(0o700)
    return Java(root / "cache", runtime=lambda: (binary, "1.2"))


@pytest.mark.parametrize("nodes", [1, 3])
def test_nodes_that_start_at_once_make_one_archive(nodes: int, tmp_path: Path) -> None:
    java = _java(tmp_path)
    with ThreadPoolExecutor(nodes) as pool:
        commands = list(pool.map(lambda _: java.command(Path("jars"), ["-Xmx1m"], "Main"), range(nodes)))
    archive = tmp_path / "cache" / "java" / "1.2.jsa"
    for command in commands:
        assert command[0] == str(tmp_path / "java")
        assert command[-5:] == [f"-XX:SharedArchiveFile={archive}", "-Xmx1m", "-cp", "jars/*", "Main"]
    assert archive.read_text() == "classes\n"
    assert (tmp_path / "made").read_text() == "made\n"
    assert not list(archive.parent.glob("1.2.jsa.*"))


def test_a_server_starts_without_an_archive_that_cannot_be_made(tmp_path: Path) -> None:
    command = _java(tmp_path, then="exit 1").command(Path("jars"), [], "Main")
    assert not [option for option in command if "SharedArchiveFile" in option]
    assert command[-3:] == ["-cp", "jars/*", "Main"]
    assert not list((tmp_path / "cache" / "java").glob("*.jsa*"))


def test_what_lasts_is_compiled_as_well_as_it_can_be(tmp_path: Path) -> None:
    brief = _java(tmp_path)
    lasting = replace(brief, lasting=True)
    stops = ["-XX:TieredStopAtLevel=1" in java.command(Path("jars"), [], "Main") for java in (brief, lasting)]
    assert stops == [True, False]
