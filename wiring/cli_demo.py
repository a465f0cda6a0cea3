"""`rankfeed demo`."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from pathlib import Path

import click

from wiring.home import Home
from wiring.out_file import OutFile
from wiring.settings import Settings, variable_of


def register(main: click.Group) -> None:
    main.add_command(demo)


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
    from wiring.demo import DemoOptions, run_demo
    from wiring.running_stack import running_stack, this_environment

    began_s = time.monotonic()
    own_home = variable_of(("home",)) not in os.environ
    root = Path(tempfile.mkdtemp(prefix="rankfeed-demo-")) if own_home else settings.home
    home = Home(root.absolute())
    try:
        with running_stack(home, this_environment(), click.echo, console=True) as state:
            options = DemoOptions(small, keep, seed, json_file, html_file, began_s)
            asyncio.run(run_demo(settings, home, state, options))
    except KeyboardInterrupt:
        click.echo("stopped")
    finally:
        if own_home:
            shutil.rmtree(root, ignore_errors=True)
