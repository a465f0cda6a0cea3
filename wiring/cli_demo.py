"""`rankfeed demo`."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

import click

from wiring.home import Home
from wiring.settings import Settings, variable_of


def register(main: click.Group) -> None:
    main.add_command(demo)


@click.command()
@click.option("--small", is_flag=True, help="Fewer people: a quarter of the time.")
@click.option("--keep", is_flag=True, help="Leave the stack running until Ctrl-C, and print curl lines.")
@click.option("--seed", default=1, show_default=True, help="Another world.")
@click.pass_obj
def demo(settings: Settings, small: bool, keep: bool, seed: int) -> None:
    """The whole product once: post, follow, read, click, train, promote, compare."""
    from wiring.demo import DemoOptions, run_demo
    from wiring.running_stack import running_stack, this_environment

    own_home = variable_of(("home",)) not in os.environ
    root = Path(tempfile.mkdtemp(prefix="rankfeed-demo-")) if own_home else settings.home
    home = Home(root.absolute())
    try:
        with running_stack(home, this_environment(), click.echo) as state:
            asyncio.run(run_demo(settings, home, state, DemoOptions(small, keep, seed)))
    except KeyboardInterrupt:
        click.echo("stopped")
    finally:
        if own_home:
            shutil.rmtree(root, ignore_errors=True)
