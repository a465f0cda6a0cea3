"""`--html FILE`, `--json FILE`: a file that will be written when the work is done."""

from __future__ import annotations

import os
from pathlib import Path

import click


class OutFile(click.Path):
    """Refused at once where it could not be written: nobody waits two minutes to be told."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False, path_type=Path)

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not path.absolute().parent.is_dir():
            self.fail(f"there is no directory '{path.parent}': make it, or name another file", param, ctx)
        there = path if path.exists() else path.absolute().parent
        if not os.access(there, os.W_OK):
            self.fail(f"'{path}' cannot be written: name a file where you may write", param, ctx)
        return path
