"""Jars: only what the list names, with the bytes that the list says."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from core.errors import ConfigurationError, Corrupt, Unavailable
from wiring.servers.jars import Jar, JarCache, JarSet, render_list
from wiring.servers.sets import CASSANDRA_JARS, KAFKA_JARS

CONTENTS = {"a:one:1": b"one", "a:two:2:native": b"two", "b:three:3": b"three"}


class FakeRepository:
    """Serves `contents`, and remembers who was asked for."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self.contents = dict(contents)
        self.asked: list[str] = []

    def __call__(self, jar: Jar, directory: Path) -> Path:
        self.asked.append(jar.coordinate)
        if jar.coordinate not in self.contents:
            raise Unavailable(f"{jar.coordinate} is away")
        path = directory / jar.file_name
        path.write_bytes(self.contents[jar.coordinate])
        return path


@pytest.fixture
def jar_set(tmp_path: Path) -> JarSet:
    jars = [Jar(name, hashlib.sha256(content).hexdigest()) for name, content in CONTENTS.items()]
    list_file = tmp_path / "some.sha256"
    list_file.write_text(render_list(jars))
    return JarSet("some", ("a:one:1",), list_file)


def test_the_directory_has_exactly_the_jars_of_the_list(tmp_path: Path, jar_set: JarSet) -> None:
    said: list[str] = []
    directory = JarCache(tmp_path / "cache", said.append, FakeRepository(CONTENTS)).libraries(jar_set)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == {
        "one-1.jar": b"one",
        "two-2-native.jar": b"two",
        "three-3.jar": b"three",
    }
    assert "downloading 3 jars" in said[0]
    assert said[-1].startswith("some: 3 of 3 jars")


def test_what_is_there_is_not_downloaded_again(tmp_path: Path, jar_set: JarSet) -> None:
    first = JarCache(tmp_path / "cache", _silent, FakeRepository(CONTENTS)).libraries(jar_set)
    repository = FakeRepository({})
    assert JarCache(tmp_path / "cache", _silent, repository).libraries(jar_set) == first
    assert repository.asked == []


def test_a_damaged_jar_is_replaced_and_a_stray_one_removed(tmp_path: Path, jar_set: JarSet) -> None:
    repository = FakeRepository(CONTENTS)
    cache = JarCache(tmp_path / "cache", _silent, repository)
    directory = cache.libraries(jar_set)
    (directory / "one-1.jar").write_bytes(b"onE")
    (directory / "evil.jar").write_bytes(b"evil")
    repository.asked.clear()
    cache.libraries(jar_set)
    assert repository.asked == ["a:one:1"]
    assert (directory / "one-1.jar").read_bytes() == b"one"
    assert not (directory / "evil.jar").exists()


def test_other_bytes_than_the_list_says_are_refused_and_not_kept(tmp_path: Path, jar_set: JarSet) -> None:
    repository = FakeRepository({**CONTENTS, "a:one:1": b"changed on the way"})
    with pytest.raises(Corrupt, match="a:one:1 is not what this version of rankfeed was tested with"):
        JarCache(tmp_path / "cache", _silent, repository).libraries(jar_set)
    assert not list((tmp_path / "cache").rglob("jars/*/one-1.jar"))


def test_a_failed_download_goes_on_where_it_stopped(tmp_path: Path, jar_set: JarSet) -> None:
    cache = tmp_path / "cache"
    broken = FakeRepository({name: content for name, content in CONTENTS.items() if name != "b:three:3"})
    with pytest.raises(Unavailable, match="b:three:3"):
        JarCache(cache, _silent, broken).libraries(jar_set)
    again = FakeRepository({"b:three:3": b"three"})
    kept = {path.name for path in cache.rglob("jars/*/*.jar")}
    assert "three-3.jar" not in kept
    again.contents = CONTENTS
    assert len(list(JarCache(cache, _silent, again).libraries(jar_set).iterdir())) == 3
    assert len(again.asked) == 3 - len(kept)


def test_another_list_is_another_directory(tmp_path: Path, jar_set: JarSet) -> None:
    cache = JarCache(tmp_path / "cache", _silent, FakeRepository(CONTENTS))
    before = cache.libraries(jar_set)
    jar_set.list_file.write_text(render_list(jar_set.jars()[:1]))
    assert cache.libraries(jar_set) != before
    assert len(list(before.iterdir())) == 3


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, jar_set: JarSet) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigurationError, match="RANKFEED_SERVERS_CACHE"):
        JarCache(tmp_path / "file", _silent, FakeRepository(CONTENTS)).libraries(jar_set)


@pytest.mark.parametrize("wanted", [KAFKA_JARS, CASSANDRA_JARS], ids=lambda wanted: wanted.name)
def test_the_committed_lists_name_each_jar_once_and_their_roots(wanted: JarSet) -> None:
    jars = wanted.jars()
    assert set(wanted.roots) <= {jar.coordinate for jar in jars}
    assert len({jar.file_name for jar in jars}) == len(jars)
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in jars)
    assert all(len(jar.coordinate.split(":")) in (3, 4) for jar in jars)
    assert render_list(sorted(jars, key=lambda jar: jar.coordinate)) == wanted.list_file.read_text()


def _silent(line: str) -> None:
    pass
