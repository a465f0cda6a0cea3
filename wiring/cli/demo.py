"""`rankfeed demo`."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from core.errors import ConfigurationError, RankfeedError
from wiring.cli.out_file import OutFile
from wiring.environment import variable_of
from wiring.home import Home
from wiring.settings import Settings

ROOM_MB, SMALL_ROOM_MB = 500, 100
"""What a demo writes, and about half as much again."""

_SCARCE_MB = 5


@click.command()
@click.option("--small", is_flag=True, help="Fewer people: a quarter of the time.")
@click.option("--keep", is_flag=True, help="Leave the stack running until Ctrl-C, and print curl lines.")
@click.option("--seed", default=1, show_default=True, help="Another world.")
@click.option(
    "--json",
    "json_file",
    type=OutFile(),
    help="Write what it comes to there too.",
)
@click.option(
    "--html",
    "html_file",
    type=OutFile(),
    default=Path("rankfeed-demo.html"),
    show_default=True,
    help="The report, as one page with plots.",
)
@click.pass_obj
def demo(
    settings: Settings, small: bool, keep: bool, seed: int, json_file: Path | None, html_file: Path
) -> None:
    """The whole product once: import a simulated week, train, promote, let viewers come, compare.

    Whoever is simulated, and what is assumed of them, is in docs/simulation.md.
    """
    from wiring.demo.play import DemoOptions, run_demo
    from wiring.interrupted import Interruptible, leave
    from wiring.running_stack import running_stack, this_environment

    began_s = time.monotonic()
    own_home = variable_of(("home",)) not in os.environ
    root = Path(tempfile.mkdtemp(prefix="rankfeed-demo-")) if own_home else settings.home
    home = Home(root.absolute())
    options = DemoOptions(small, keep, seed, json_file, html_file, began_s)
    with Interruptible() as interruptible:
        try:
            with (
                _room(home, SMALL_ROOM_MB if small else ROOM_MB),
                home.only_demo(),
                running_stack(home, this_environment(), click.echo, console=True) as state,
            ):
                interruptible.run(run_demo(settings, home, state, options))
        except KeyboardInterrupt:
            click.echo("stopped")
            interrupted = True
        else:
            interrupted = False
        finally:
            if own_home:
                shutil.rmtree(root, ignore_errors=True)
        if interrupted:
            leave()


@contextmanager
def _room(home: Home, needed_mb: int) -> Iterator[None]:
    """Raises ConfigurationError where there is too little; what fails in here for want of it says so."""
    home.root.mkdir(parents=True, exist_ok=True)
    full = (
        f"a demo needs {needed_mb} MB on the disk of {home.root}: free some, or name another place with "
        f"{variable_of(('home',))}"
    )
    if _free_mb(home.root) < needed_mb:
        raise ConfigurationError(f"{full}. {_free_mb(home.root)} MB are free")
    try:
        yield
    except (RankfeedError, OSError) as exc:
        # It filled up meanwhile: what failed then may not know why.
        if _free_mb(home.root) >= _SCARCE_MB:
            raise
        raise ConfigurationError(f"the disk is full ({exc}); {full}") from exc


def _free_mb(root: Path) -> int:
    return shutil.disk_usage(root).free // 1024**2
