"""The command `rankfeed`. Errors of the user's making end with a sentence that says what to do."""

from __future__ import annotations

import os
import sys

import click

from wiring import (
    cli_chaos,
    cli_console,
    cli_data,
    cli_dead_letters,
    cli_demo,
    cli_features,
    cli_lake,
    cli_log,
    cli_log_replay,
    cli_models,
    cli_objective,
    cli_outbox,
    cli_registry,
    cli_replay,
    cli_report,
    cli_servers,
    cli_simulate,
    roles,
)
from wiring.cli_group import Group
from wiring.settings import Settings, list_settings, overlaid, variable_of

ALL_SCOPES = ("feed", "write")
MAX_TOKEN_TTL_S = 30 * 24 * 3600


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rankfeed")
def main() -> None:
    """A home feed, ranked by machine learning. Data lies under RANKFEED_HOME (.rankfeed)."""


@main.command()
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


@main.command()
@click.pass_obj
def migrate(settings: Settings) -> None:
    """Make or upgrade Cassandra's tables and Kafka's topics; safe to run again at any time."""
    from wiring.distributed import migrate_servers

    migrate_servers(settings, click.echo)


@main.command()
@click.option("--user", type=click.IntRange(1, 2**63 - 1), required=True, help="The user's id, its `sub`.")
@click.option("--scope", default=" ".join(ALL_SCOPES), show_default=True, help="Scopes, separated by spaces.")
@click.option(
    "--ttl",
    type=click.IntRange(1, MAX_TOKEN_TTL_S),
    default=24 * 3600,
    show_default=True,
    help="Seconds it is valid.",
)
@click.pass_obj
def token(settings: Settings, user: int, scope: str, ttl: int) -> None:
    """Print a token, signed with the stack's own key."""
    from core.clock import SystemClock
    from feed_api.auth import SCOPES
    from wiring.home import Home
    from wiring.keys import stack_keys

    scopes = scope.replace(",", " ").split()
    for one in scopes:
        if one not in SCOPES:
            raise click.BadParameter(f"'{one}' is none of: {', '.join(SCOPES)}", param_hint="--scope")
    click.echo(
        stack_keys(Home(settings.home)).token(
            user_id=user,
            scopes=scopes,
            audience=settings.auth.audience,
            issued_s=SystemClock().now_ms() // 1000,
            ttl_s=ttl,
        )
    )


@main.command()
@click.pass_obj
def url(settings: Settings) -> None:
    """Print where the API of the running stack listens."""
    from wiring.home import Home

    click.echo(Home(settings.home).require_state().api_url)


@main.command("settings")
@click.pass_obj
def show_settings(settings: Settings) -> None:
    """List every setting with its value and where that comes from."""
    for leaf in list_settings(settings, os.environ):
        value = "-" if leaf.value is None else leaf.value
        click.echo(f"{leaf.variable:32} {value!s:24} {leaf.origin:12} {leaf.description}")


@main.command()
def contracts() -> None:
    """Print the formats that others may rely on: events, keys, rows, errors, manifests."""
    from wiring.contracts import describe

    click.echo(describe())


roles.register(main)
cli_console.register(main)
cli_models.register(main)
cli_registry.register(main)
cli_objective.register(main)
cli_replay.register(main)
cli_chaos.register(main)
cli_report.register(main)
cli_data.register(main)
cli_demo.register(main)
cli_features.register(main)
cli_lake.register(main)
cli_servers.register(main)
cli_simulate.register(main)
cli_log.register(main)
cli_log_replay.register(cli_log.log)
cli_dead_letters.register(main)
cli_outbox.register(main)

if __name__ == "__main__":
    sys.exit(main())
