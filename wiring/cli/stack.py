"""`rankfeed up`, `migrate` and `url`: a whole stack."""

from __future__ import annotations

import os

import click

from wiring.environment import overlaid, variable_of
from wiring.settings import Settings


@click.command()
@click.option(
    "--stack",
    type=click.Choice(["embedded", "distributed"]),
    help="SQLite files, or Cassandra and Kafka: those that are named, else started here.",
)
@click.pass_obj
def up(settings: Settings, stack: str | None) -> None:
    """Run a whole stack on this machine until Ctrl-C."""
    from wiring.stack import run_stack

    own = {} if stack is None else {variable_of(("stack",)): stack}
    run_stack(overlaid(settings, own), {**os.environ, **own}, click.echo)


@click.command()
@click.pass_obj
def migrate(settings: Settings) -> None:
    """Make or upgrade Cassandra's tables and Kafka's topics; safe to run again at any time."""
    from wiring.distributed import migrate_servers

    migrate_servers(settings, click.echo)


@click.command()
@click.pass_obj
def url(settings: Settings) -> None:
    """Print where the API of the running stack listens."""
    from wiring.home import Home

    click.echo(Home(settings.home).require_state().api_url)
