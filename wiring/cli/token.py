"""`rankfeed token`: for whoever tries a stack without an issuer of their own."""

from __future__ import annotations

import click

from core.clock import SystemClock
from feed_api.auth import SCOPES
from wiring.home import Home
from wiring.keys import stack_keys
from wiring.settings import Settings

ALL_SCOPES = ("feed", "write")
MAX_TTL_S = 30 * 24 * 3600


@click.command()
@click.option("--user", type=click.IntRange(1, 2**63 - 1), required=True, help="The user's id, its `sub`.")
@click.option("--scope", default=" ".join(ALL_SCOPES), show_default=True, help="Scopes, separated by spaces.")
@click.option(
    "--ttl",
    type=click.IntRange(1, MAX_TTL_S),
    default=24 * 3600,
    show_default=True,
    help="Seconds it is valid.",
)
@click.pass_obj
def token(settings: Settings, user: int, scope: str, ttl: int) -> None:
    """Print a token, signed with the stack's own key."""
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
