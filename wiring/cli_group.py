"""What all commands do alike: settings are read once, and errors end with a sentence that says what to do."""

from __future__ import annotations

import errno
import os

import click

from core.errors import RankfeedError
from wiring.settings import load_settings

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


class Group(click.Group):
    def invoke(self, ctx: click.Context) -> object:
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
