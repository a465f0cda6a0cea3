"""Which Chromium is taken, and how one is installed; on machines that are made up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from tests.browser.chromium import VARIABLE, Machine, NoChromium, ensure, find

OWN = "/cache/playwright/chrome"
DEBIANS = "/usr/bin/chromium"


@dataclass
class MadeUp:
    """`on_path` are commands by name, `starting` the paths that start; `gives` what a command installs, by a
    word of it: nothing where it fails."""

    on_path: dict[str, str] = field(default_factory=dict)
    starting: set[str] = field(default_factory=set)
    gives: dict[str, tuple[str, str]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    is_root: bool = True

    def run(self, command: Sequence[str]) -> bool:
        self.ran.append(" ".join(command[-2:] if "playwright" in command else command))
        if command[-1] == "update":
            return True
        who = "playwright" if "playwright" in command else "apt"
        if who not in self.gives:
            return False
        name, path = self.gives[who]
        self.starting.add(path)
        self.on_path[name] = path
        return True

    @property
    def machine(self) -> Machine:
        return Machine(
            environment=self.environment,
            which=self.on_path.get,
            starts=self.starting.__contains__,
            run=self.run,
            playwright=lambda: OWN,
            is_root=self.is_root,
            say=lambda _: None,
        )


APT = {"apt-get": "/usr/bin/apt-get"}
BY_APT = ["/usr/bin/apt-get update", "/usr/bin/apt-get install -y --no-install-recommends chromium"]


def test_the_one_that_is_named_is_taken() -> None:
    there = MadeUp({"chromium": DEBIANS}, {DEBIANS, "/opt/mine"}, environment={VARIABLE: "/opt/mine"})
    assert ensure(there.machine) == "/opt/mine"


def test_one_that_is_named_and_does_not_start_is_told_of() -> None:
    there = MadeUp({"chromium": DEBIANS}, {DEBIANS}, environment={VARIABLE: "/opt/mine"})
    with pytest.raises(NoChromium, match=f"{VARIABLE} is /opt/mine, which does not start"):
        ensure(there.machine)
    assert there.ran == []


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome"])
def test_one_on_the_path_is_taken(name: str) -> None:
    there = MadeUp({name: f"/usr/bin/{name}"}, {f"/usr/bin/{name}"})
    assert ensure(there.machine) == f"/usr/bin/{name}"
    assert there.ran == []


def test_a_stub_on_the_path_is_passed_over() -> None:
    there = MadeUp({"chromium-browser": "/snap/stub", "google-chrome": "/opt/chrome"}, {"/opt/chrome"})
    assert find(there.machine) == "/opt/chrome"


def test_playwrights_own_is_taken_where_it_is_installed() -> None:
    there = MadeUp(starting={OWN})
    assert ensure(there.machine) == OWN
    assert there.ran == []


def test_playwright_installs_its_own_where_there_is_none() -> None:
    there = MadeUp({**APT}, gives={"playwright": ("", OWN)})
    assert ensure(there.machine) == OWN
    assert there.ran == ["install chromium"]


def test_apt_installs_one_where_playwright_is_refused() -> None:
    there = MadeUp({**APT}, gives={"apt": ("chromium", DEBIANS)})
    assert ensure(there.machine) == DEBIANS
    assert there.ran == ["install chromium", *BY_APT]


def test_apt_installs_one_where_playwrights_lacks_its_libraries() -> None:
    there = MadeUp({**APT}, gives={"playwright": ("", "/unusable"), "apt": ("chromium", DEBIANS)})
    assert ensure(there.machine) == DEBIANS
    assert there.ran == ["install chromium", *BY_APT]


@pytest.mark.parametrize("there", [MadeUp(), MadeUp({**APT}, is_root=False), MadeUp({**APT})])
def test_where_nothing_can_be_installed_it_says_what_to_do(there: MadeUp) -> None:
    with pytest.raises(NoChromium, match=r"install Debian's `chromium`.*TEST_CHROMIUM"):
        ensure(there.machine)
    assert (BY_APT[0] in there.ran) == (there.is_root and bool(there.on_path))
