"""What docs/log.md claims of topics, groups and commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from eventlog import kafka_topics
from wiring.cli import main
from wiring.draining import GROUPS
from wiring.log_arguments import TOPICS
from wiring.resources import EMBEDDED_PARTITIONS

PAGE = (Path(__file__).resolve().parents[3] / "docs/log.md").read_text()
COMMANDS = [line.partition("#")[0].strip() for line in PAGE.splitlines() if line.startswith("rankfeed ")]
DAY_MS = 24 * 3_600_000


def test_topics_have_the_partitions_and_the_retention_that_it_says() -> None:
    rows = re.findall(r"^\| `([a-z.0-9]+)` \|.*\| (\d+) \| (\d+) days \|$", PAGE, re.M)
    assert [(name, int(partitions), int(days) * DAY_MS) for name, partitions, days in rows] == [
        (spec.name, spec.partitions, spec.retention_ms) for spec in kafka_topics.TOPICS
    ]
    assert tuple(name for name, _, _ in rows) == TOPICS
    assert f"The embedded log has {EMBEDDED_PARTITIONS} partitions" in PAGE


def test_groups_read_the_topics_that_it_says() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (`[^|]*`) \|", PAGE, re.M)
    assert {group: tuple(re.findall(r"`([^`]+)`", topics)) for group, topics in rows} == GROUPS


@pytest.mark.parametrize("line", COMMANDS)
def test_its_commands_can_be_typed(line: str) -> None:
    command: click.Command = main
    _, *words = shlex.split(line)
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    # Parsed with every argument and option, and not run.
    context = command.make_context(line, words)
    assert context.params


def test_it_has_commands() -> None:
    assert len(COMMANDS) > 10
