"""What README.md and docs/http.md tell people to type, typed into a shell, in order, on one stack."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.e2e.command import PATIENCE_S
from tests.e2e.live_stack import RANKFEED, ROOT, LiveStack, clean_environment, live_stack
from tests.e2e.people import http_client, make_people
from tests.unit.docs.pages import DOCS, blocks, section

README = (ROOT / "README.md").read_text()
CLIENT, ENGINEER, PRODUCT = (
    section(README, f"## Five minutes for {people}")
    for people in ("client developers", "ML engineers", "product teams")
)
# Every answer on a line of its own, and its status on another one of standard error.
MARKED = "curl() { command curl -w '\\n%{stderr}= %{http_code}\\n' \"$@\"; }\n"


class Printed(NamedTuple):
    """What a script printed, and the statuses of what it fetched, in their order."""

    out: str
    err: str

    @property
    def statuses(self) -> list[int]:
        return [int(status) for status in re.findall(r"^= (\d{3})$", self.err, re.M)]

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]


class Shell:
    """A reader's shell: in a directory of its own, with `rankfeed` on the PATH."""

    def __init__(self, stack: LiveStack, directory: Path) -> None:
        self.stack = stack
        self.directory = directory
        self._environment = {
            **clean_environment(),
            "RANKFEED_HOME": str(stack.home.root),
            "PATH": f"{Path(RANKFEED[0]).parent}{os.pathsep}{os.environ['PATH']}",
        }

    def run(self, script: str) -> Printed:
        """Ends at the first command that fails, and fails then."""
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", MARKED + script],
            cwd=self.directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return Printed(ended.stdout, ended.stderr)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Beside a stack of its own: models are promoted in it, and objectives set."""
    with live_stack(tmp_path_factory.mktemp("read")) as stack:
        yield Shell(stack, tmp_path_factory.mktemp("reader"))


def test_five_minutes_of_a_client_developer(shell: Shell) -> None:
    make, activate, script = blocks(CLIENT, "sh")
    assert (make, activate) == ("make up\n", ". .venv/bin/activate\n")
    printed = shell.run(script)
    assert printed.statuses == [201, 201, 200, 201, 201, 201, 200, 200, 200, 200, 202, 422, 200]
    _, _, followed, first, again, second, page, later, reported, refused, whole = printed.bodies
    assert followed == {"user_id": "1001", "following": True}
    assert first == again
    assert [one["tweet_id"] for one in page["tweets"]] == [second["tweet_id"]]
    assert [one["tweet_id"] for one in later["tweets"]] == [first["tweet_id"]]
    assert reported == {"accepted": 1, "rejected": []}
    assert (refused["code"], refused["field"], refused["limit"]) == ("invalid_field", "text", 1)
    assert [one["text"] for one in whole["tweets"]] == ["Hello again", "Hello"]
    assert printed.out.endswith("304")
    assert '"algorithm_served":"chronological"' in printed.out
    assert '"reason":"no_model"' in printed.out


def test_every_example_of_the_http_page(shell: Shell) -> None:
    page = (DOCS / "http.md").read_text()
    introduction, *sections = re.split(r"^### (?=[A-Z]+ /)", page, flags=re.M)
    script = "".join(blocks(introduction, "sh"))
    for one in sections:
        script += f"echo '@ {one.splitlines()[0]}' >&2\n" + "".join(blocks(one, "sh"))
    _, *fetched = shell.run(script).err.split("@ ")
    for one, told in zip(sections, fetched, strict=True):
        statuses = Printed("", told).statuses
        # The last is that of the section's own route, which says how it answers.
        assert statuses, told
        assert max(statuses) < 400, told
        assert re.search(rf"\b{statuses[-1]}\b", one), told


def test_five_minutes_of_an_engineer_and_of_a_product_team(shell: Shell) -> None:
    pick = next(line for line in blocks(CLIENT, "sh")[2].splitlines() if line.startswith("pick()"))
    history, page = blocks(ENGINEER, "sh")
    learned = shell.run(history).out
    for said in ("held out: click auc", "click: ", "is the champion: 1 of 1 in"):
        assert said in learned
    # Served ranked, and the same once more.
    assert re.search(r"^(\d+) of \1 items have equal bits$", shell.run(f"{pick}\n{page}").out, re.M)
    (objectives,) = blocks(PRODUCT, "sh")
    changed = shell.run(objectives).out
    for version, preset in ((2, "satisfaction"), (3, "satisfaction"), (4, "engagement")):
        assert f"{preset}@{version} applies: 1 of 1 in" in changed
    assert "fewer hides" in changed
    assert "more of what is liked" in changed


async def test_a_backup_comes_back(shell: Shell) -> None:
    """The last of these: it stops the stack, as docs/operations.md says."""
    stack = shell.stack
    async with http_client(stack) as http:
        ann, bob = await make_people(stack, http, 2)
        await bob.follow(ann)
        posted = await ann.post("kept")
    stack.stop()
    shell.run("".join(blocks(section((DOCS / "operations.md").read_text(), "## Backup and restore"), "sh")))
    with live_stack(shell.directory / "restored") as restored:
        async with http_client(restored) as http:
            # The keys are the same, too: the token of before is good.
            answer = await http.get("/v1/feed", headers=bob.headers)
    assert [int(one["tweet_id"]) for one in answer.json()["tweets"]] == [posted]
