"""The list of commands: it says what each says of itself, and nobody waits for another command's needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from wiring.cli import main
from wiring.cli.commands import COMMANDS

LONG = 1_000


@pytest.mark.parametrize("name", COMMANDS)
def test_each_is_there_and_says_what_the_list_says(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(LONG) == COMMANDS[name].help


def test_there_is_no_other() -> None:
    context = click.Context(main)
    assert main.list_commands(context) == sorted(COMMANDS)
    assert main.get_command(context, "nonsense") is None


@pytest.mark.parametrize(
    ("command", "needless"),
    [
        ("--help", ("wiring.settings", "pydantic", "numpy", "redis", "asyncio")),
        ("url", ("wiring.stack", "numpy", "redis", "asyncio", "jwt")),
        ("settings", ("wiring.stack", "numpy", "redis", "asyncio", "jwt")),
        ("servers status", ("wiring.stack", "numpy", "redis", "jwt")),
    ],
)
def test_it_imports_nothing_for_others(command: str, needless: tuple[str, ...], tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from wiring.cli import main\n"
        "try:\n    main()\n"
        f"except SystemExit:\n    print(*[one for one in {needless!r} if one in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *command.split()],
        env={"RANKFEED_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == ""
