"""Every command of the documents, looked up: it exists, with its options, and its values can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bench.bars.__main__ import BARS
from tests.unit.docs.pages import PAGES, ROOT, Command, commands, inline, named, shell_lines
from wiring.cli import main

TYPED = [command for page in PAGES for command in commands(page)]
MAKEFILE = (ROOT / "Makefile").read_text()
# What a page has in a variable by then.
VARIABLES = {"$REQUEST": "01a200a1-e9a5-7b88-89ff-53c78ae8b013"}


def found(words: tuple[str, ...]) -> tuple[click.Command, list[str]]:
    """The command that the words begin with, and the words that it is given."""
    command: click.Command = main
    rest = list(words)
    while isinstance(command, click.Group) and rest and (below := child(command, rest[0])) is not None:
        command = below
        rest.pop(0)
    return command, rest


def child(group: click.Group, name: str) -> click.Command | None:
    return group.get_command(click.Context(group), name)


def every(group: click.Group) -> Iterator[click.Command]:
    for name in group.list_commands(click.Context(group)):
        command = child(group, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from every(command)
        else:
            yield command


def options(command: click.Command) -> set[str]:
    return {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help"}


def in_passing() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Where a command is named between backticks, and its words."""
    for page in PAGES:
        for code in inline(page.read_text()):
            if code.startswith("rankfeed "):
                yield f"{named(page)}: {code}", tuple(code.split()[1:])


@pytest.mark.parametrize("typed", TYPED, ids=str)
def test_what_is_typed_is_understood(typed: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command, words = found(tuple(VARIABLES.get(word, word) for word in typed.words))
    assert not isinstance(command, click.Group), f"no such command: {typed}"
    if any(isinstance(one.type, click.Path) and one.type.exists for one in command.params):
        # A file that has to be there when it is run.
        for word in words:
            (tmp_path / Path(word).name).touch()
    # Parsed with every argument and option, and not run.
    command.make_context(str(typed), words)


def test_there_are_commands_to_look_up() -> None:
    assert len(TYPED) > 80
    assert "README.md" in {command.page for command in TYPED}


def test_what_is_named_in_passing_exists() -> None:
    for where, words in in_passing():
        command, rest = found(words)
        assert command is not main, where
        assert not isinstance(command, click.Group) or rest in ([], ["…"]), where
        assert {word for word in rest if word.startswith("--")} <= options(command), where


def test_every_option_that_is_named_belongs_to_a_command() -> None:
    known = set[str]().union(*map(options, every(main)))
    for page in PAGES:
        told = [code for code in inline(page.read_text()) if code.startswith("--")]
        assert {code.split()[0].rstrip("…") for code in told} <= known, named(page)


def test_every_command_is_told_of_somewhere() -> None:
    told = [found(typed.words)[0] for typed in TYPED] + [found(words)[0] for _, words in in_passing()]
    told += [found((name,))[0] for name in re.findall(r"\$\(BIN\)/rankfeed (\w+)", MAKEFILE)]
    assert {command.name for command in every(main) if command not in told} == set()


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+(?:%)?):", MAKEFILE, re.M))
    assert "bar-%" in targets
    for page in PAGES:
        text = page.read_text()
        typed = [line for line in (*shell_lines(text), *inline(text)) if line.startswith("make ")]
        for target in (line.split()[1] for line in typed):
            bar = target.removeprefix("bar-")
            assert target in targets or (bar != target and bar in {*BARS, "NAME"}), f"{named(page)}: {target}"
