"""The jars of a server: downloaded once, and each one compared with the digest in this repository."""

from __future__ import annotations

import contextlib
import hashlib
import queue
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import ConfigurationError, Corrupt, RankfeedError, Unavailable
from wiring.servers.nodes import only_one

if TYPE_CHECKING:
    from jgo.maven import MavenContext

DOWNLOADS_AT_ONCE = 6
TIMEOUT_S = 60
_TELL_EVERY = 10
_STAGING = "downloads"
# The largest set and its copy on the way are 140 MB.
NEEDED_BYTES = 300 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Jar:
    """`coordinate` is group:artifact:version, and :classifier where it has one."""

    coordinate: str
    sha256: str

    @property
    def file_name(self) -> str:
        _, *parts = self.coordinate.split(":")
        return "-".join(parts) + ".jar"


@dataclass(frozen=True, slots=True)
class JarSet:
    """What a server needs. The roots are what was asked for, the list is what that came to."""

    name: str
    roots: tuple[str, ...]
    list_file: Path

    def jars(self) -> list[Jar]:
        lines = (line.split() for line in self.list_file.read_text().splitlines())
        return [Jar(coordinate, sha256) for sha256, coordinate in lines]


class JarCache:
    """Jars under a directory that several checkouts and processes may share."""

    def __init__(
        self, root: Path, say: Callable[[str], None], download: Callable[[Jar, Path], Path] | None = None
    ) -> None:
        """`download` puts a jar somewhere under a directory and says where; it raises Unavailable."""
        self._root = root
        self._say = say
        self._download = download or download_jar

    def directory(self, wanted: JarSet) -> Path:
        """Where `libraries` keeps the set; what is there is not looked at."""
        listed = hashlib.sha256(wanted.list_file.read_bytes()).hexdigest()
        return self._root / "jars" / f"{wanted.name}-{listed[:12]}"

    def libraries(self, wanted: JarSet) -> Path:
        """A directory with exactly the set's jars, each with the digest of the list.

        Raises Unavailable where a download fails (what came stays), Corrupt where other bytes came
        than the list says, ConfigurationError where the directory cannot hold them.
        """
        jars = wanted.jars()
        directory = self.directory(wanted)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with only_one(self._root / "lock"):
                self._complete(directory, wanted.name, jars)
        except OSError as exc:
            raise ConfigurationError(
                f"the jars of {wanted.name} cannot be kept in {self._root} ({exc.strerror or exc}): "
                "make room there, or set RANKFEED_SERVERS_CACHE to another directory"
            ) from exc
        return directory

    def _complete(self, directory: Path, name: str, jars: list[Jar]) -> None:
        wanted = {jar.file_name for jar in jars}
        for stray in directory.iterdir():
            # The class path is the whole directory: nothing may lie there that nobody checked.
            if stray.name not in wanted:
                stray.unlink()
        missing = [jar for jar in jars if not _is_whole(directory / jar.file_name, jar)]
        if not missing:
            return
        self._require_space()
        self._say(f"{name}: downloading {len(missing)} jars into {self._root} (once)")
        for left in self._root.glob(f"{_STAGING}*"):
            # Of a start that was broken off: nothing in it was ever compared with the list.
            shutil.rmtree(left, ignore_errors=True)
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=self._root))
        received_bytes = 0
        try:
            for done, (jar, path) in enumerate(self._downloaded(missing, staging), 1):
                _require_whole(path, jar)
                received_bytes += path.stat().st_size
                path.replace(directory / jar.file_name)
                if done % _TELL_EVERY == 0 or done == len(missing):
                    self._say(f"{name}: {done} of {len(missing)} jars, {received_bytes / 1e6:.0f} MB")
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _downloaded(self, missing: list[Jar], staging: Path) -> Iterator[tuple[Jar, Path]]:
        """Each one as it comes; raises what the download raises.

        By threads that nobody waits for: whoever breaks this off does not wait for the slowest server.
        What such a thread still writes lies in a directory that nobody looks into any more.
        """
        wanted: queue.SimpleQueue[Jar] = queue.SimpleQueue()
        arrived: queue.SimpleQueue[tuple[Jar, Path | RankfeedError | OSError | None]] = queue.SimpleQueue()
        for jar in missing:
            wanted.put(jar)

        def fetch(jar: Jar) -> None:
            found: Path | RankfeedError | OSError | None = None
            try:
                found = self._download(jar, staging)
            except (RankfeedError, OSError) as exc:
                found = exc
            finally:
                # Whatever came of it: somebody waits.
                arrived.put((jar, found))

        def work() -> None:
            with contextlib.suppress(queue.Empty):
                while True:
                    fetch(wanted.get_nowait())

        for number in range(min(DOWNLOADS_AT_ONCE, len(missing))):
            threading.Thread(target=work, name=f"jars-{number}", daemon=True).start()
        try:
            for _ in missing:
                jar, found = arrived.get()
                if isinstance(found, Exception):
                    raise found
                if found is None:
                    raise RuntimeError(f"the thread that downloaded {jar.coordinate} ended over it")
                yield jar, found
        finally:
            with contextlib.suppress(queue.Empty):
                while True:
                    wanted.get_nowait()

    def _require_space(self) -> None:
        free_bytes = shutil.disk_usage(self._root).free
        if free_bytes < NEEDED_BYTES:
            raise ConfigurationError(
                f"{self._root} has {free_bytes / 1e6:.0f} MB left and the download needs "
                f"{NEEDED_BYTES / 1e6:.0f} MB: make room there, or set RANKFEED_SERVERS_CACHE"
            )


def resolve_set(wanted: JarSet, cache: Path) -> list[Jar]:
    """Asks the repositories anew what the roots need; for whoever changes a version.

    Root by root: together, one root's managed versions would change another's. The first one wins.
    """
    context = _context(cache)
    found: dict[tuple[str, str, str], Jar] = {}
    for root in wanted.roots:
        inputs, transitive = context.resolver.resolve([context.create_dependency(root)])
        for dependency in (*inputs, *transitive):
            if dependency.scope not in (None, "compile", "runtime"):
                continue
            artifact = dependency.artifact
            key = (artifact.groupId, artifact.artifactId, artifact.classifier)
            if key not in found:
                parts = (artifact.groupId, artifact.artifactId, artifact.version, artifact.classifier)
                digest = hashlib.sha256(artifact.resolve().read_bytes()).hexdigest()
                found[key] = Jar(":".join(part for part in parts if part), digest)
    return sorted(found.values(), key=lambda jar: jar.coordinate)


def render_list(jars: list[Jar]) -> str:
    return "".join(f"{jar.sha256}  {jar.coordinate}\n" for jar in jars)


def _context(staging: Path) -> MavenContext:
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext
    from jgo.maven._core import DEFAULT_REMOTE_REPOS

    # A mirror that jgo's own configuration names is asked first.
    repositories = {**GlobalSettings.load().repositories, **DEFAULT_REMOTE_REPOS}
    return MavenContext(repo_cache=staging, remote_repos=repositories, timeout=TIMEOUT_S)


def download_jar(jar: Jar, staging: Path) -> Path:
    """From the repositories that the resolver knows. Raises Unavailable."""
    import requests

    group, artifact, version, *classifier = jar.coordinate.split(":")
    component = _context(staging).project(group, artifact).at_version(version)
    try:
        return component.artifact(*classifier).resolve()
    except (requests.RequestException, RuntimeError) as exc:
        raise Unavailable(
            f"{jar.coordinate} cannot be downloaded ({exc}): check the network and HTTPS_PROXY, then run "
            "the same command again; it goes on where it stopped"
        ) from exc


def _require_whole(path: Path, jar: Jar) -> None:
    if not _is_whole(path, jar):
        raise Corrupt(
            f"{jar.coordinate} is not what this version of rankfeed was tested with (its SHA-256 is not "
            f"{jar.sha256}): something between here and the repository changes files. Nothing was started"
        )


def _is_whole(path: Path, jar: Jar) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
    except FileNotFoundError:
        return False
