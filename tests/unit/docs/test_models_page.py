"""What docs/models.md claims of commands, bounds and metrics."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from ranking import model_slot
from ranking.admission import MAX_DIFF
from ranking.registered import MAX_CHALLENGERS
from wiring.cli import main
from wiring.cli_registry import models

PAGE = (Path(__file__).resolve().parents[3] / "docs/models.md").read_text()
COMMANDS = [line.partition("#")[0].strip() for line in PAGE.splitlines() if line.startswith("rankfeed ")]


@pytest.mark.parametrize("line", COMMANDS)
def test_its_commands_can_be_typed(line: str) -> None:
    command: click.Command = main
    _, *words = shlex.split(line)
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    # Parsed with every argument and option, and not run.
    command.make_context(line, words)


def test_it_has_every_command_about_models() -> None:
    assert {f"rankfeed models {name}" for name in models.commands} == {
        " ".join(line.split()[:3]) for line in COMMANDS if line.startswith("rankfeed models")
    }


def test_its_numbers_are_those_of_the_code() -> None:
    assert MAX_CHALLENGERS == 3
    assert "up to three challengers" in PAGE
    assert f"every {model_slot.RETRY_S:.0f} s" in PAGE
    assert float(re.findall(r"more than (1e-\d)", PAGE)[0]) == MAX_DIFF


def test_its_metrics_are_those_of_the_code() -> None:
    metrics = (model_slot.LOADED, model_slot.WARM, model_slot.REFUSED)
    names = {name for metric in metrics for family in metric.collect() for name in (family.name,)}
    told = {name.removesuffix("_total") for name in re.findall(r"`(rankfeed_[a-z_]+)", PAGE)}
    assert told == names
