"""A Chromium for the browser tests: one that is there, or one that is installed.

    python -m tests.browser.chromium

says where it is. Looked for is TEST_CHROMIUM, then PATH, then the one that Playwright installs. Where
there is none, Playwright installs its own; where that cannot be downloaded, apt-get does, as root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

VARIABLE = "TEST_CHROMIUM"
"""As TEST_SERVERS without the product's prefix, of which it refuses what is no setting of its own."""
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LAUNCH_ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage")
"""Root, as in a container, has no sandbox, and a container's shared memory is too small for a page."""

_INSTALLED_S = 600
_STARTS_S = 60


class NoChromium(Exception):
    """There is none and none can be installed; says what to do."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What is asked of the machine, so that a test can be another one.

    `which` finds a command on PATH. `starts` says whether a browser does: a file is not enough, it may be a
    stub that wants a snap, or lack its libraries. `run` runs a command and says whether it went well.
    `playwright` is where Playwright's own Chromium is or would be.
    """

    environment: Mapping[str, str]
    which: Callable[[str], str | None]
    starts: Callable[[str], bool]
    run: Callable[[Sequence[str]], bool]
    playwright: Callable[[], str]
    is_root: bool
    say: Callable[[str], None]


def find(machine: Machine) -> str | None:
    """The path of one that starts, or None. Raises NoChromium where one is named that does not start."""
    named = machine.environment.get(VARIABLE)
    if named:
        if not machine.starts(named):
            raise NoChromium(f"{VARIABLE} is {named}, which does not start: name another one, or unset it")
        return named
    for name in NAMES:
        path = machine.which(name)
        if path is not None and machine.starts(path):
            return path
    own = machine.playwright()
    return own if machine.starts(own) else None


def ensure(machine: Machine) -> str:
    """The path of one that starts, installed where there was none. Raises NoChromium."""
    found = find(machine)
    if found is not None:
        return found
    for name, commands in _ways(machine):
        machine.say(f"no Chromium here: installing one with {name}")
        if all(machine.run(command) for command in commands):
            found = find(machine)
            if found is not None:
                return found
    raise NoChromium(
        "the browser tests need a Chromium, and none could be installed: install Debian's `chromium` or "
        f"Google Chrome, run `playwright install chromium`, or say in {VARIABLE} where one is"
    )


def _ways(machine: Machine) -> list[tuple[str, list[list[str]]]]:
    ways = [("Playwright", [[sys.executable, "-m", "playwright", "install", "chromium"]])]
    apt = machine.which("apt-get")
    if apt is not None and machine.is_root:
        install = [apt, "install", "-y", "--no-install-recommends", "chromium"]
        ways.append(("apt-get", [[apt, "update"], install]))
    return ways


def this_machine() -> Machine:
    return Machine(
        environment=os.environ,
        which=shutil.which,
        starts=_starts,
        run=_run,
        playwright=_playwrights_own,
        is_root=os.geteuid() == 0,
        say=lambda words: click.echo(words, err=True),
    )


def _starts(executable: str) -> bool:
    try:
        ended = subprocess.run([executable, "--version"], capture_output=True, timeout=_STARTS_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0


def _run(command: Sequence[str]) -> bool:
    """What a command says of its progress is not shown, what goes wrong is."""
    # Where only package registries are reachable the download fails within seconds, and must not wait longer.
    more = {"PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": "5000", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        ended = subprocess.run(
            command,
            env={**os.environ, **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=_INSTALLED_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0


def _playwrights_own() -> str:
    # Imported here: it starts a Node for the question, which most machines need not ask.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return str(Path(playwright.chromium.executable_path))


def main() -> int:
    try:
        click.echo(ensure(this_machine()))
    except NoChromium as exc:
        click.echo(exc, err=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
