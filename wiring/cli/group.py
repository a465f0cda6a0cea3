"""What all commands do alike: settings are read once, and errors end with a sentence that says what to do.

A command is imported when it is typed. Whoever wants to see the list of them waits for none.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click

from core.errors import RankfeedError

_EXTRA_OF = {
    "feast": "feast",
    "polars": "lake",
    "lightgbm": "train",
    "onnx": "train",
    "onnxmltools": "train",
    "sklearn": "train",
    "nicegui": "console",
    "httpx": "demo",
    "rich": "demo",
}
"""Which extra brings a library that serving installs without."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Listed(NamedTuple):
    """A command that is not imported yet."""

    place: str
    """`module:name` in this package."""
    help: str
    """What it says of itself first, for the list of commands."""


class Commands(click.Group):
    """A group of commands that are imported when they are asked for."""

    def __init__(self, *arguments: Any, listed: Mapping[str, Listed], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._listed = listed

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._listed)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        one = self._listed.get(cmd_name)
        if one is None:
            return None
        module, _, name = one.place.partition(":")
        command: click.Command = getattr(import_module(f"{__package__}.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # As click would, which asks each command itself.
        room = formatter.width - 6 - max(map(len, self._listed))
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, click.Command(name, help=self._listed[name].help).get_short_help_str(room))
                    for name in self.list_commands(ctx)
                ]
            )

    def invoke(self, ctx: click.Context) -> object:
        # Here, because `--help` needs none.
        from wiring.environment import load_settings

        try:
            ctx.obj = load_settings(os.environ)
            return super().invoke(ctx)
        except RankfeedError as exc:
            raise click.ClickException(str(exc)) from exc
        except OSError as exc:
            if exc.errno not in _NO_ROOM:
                raise
            raise click.ClickException(f"there is no room left to write ({exc}): free some") from exc
        except ModuleNotFoundError as exc:
            extra = _EXTRA_OF.get((exc.name or "").partition(".")[0])
            if extra is None:
                raise
            raise click.ClickException(
                f"this command needs '{exc.name}', which serving lacks: pip install 'rankfeed[{extra}]'"
            ) from exc
