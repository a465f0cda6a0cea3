"""`rankfeed simulate`: a dataset of any size whose truth is known."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import click

from core.clock import SystemClock
from wiring.cli.moment import Moment

_DAY_MS = 86_400_000
_KIB = 1024


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--users", default=1_000, show_default=True, help="People, of whom a tenth write.")
@click.option(
    "--days", type=click.FloatRange(0.1, 365.0), default=7.0, show_default=True, help="How long it is."
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True, help="Which world.")
@click.option("--until", "until_ms", type=Moment(), help="The moment that the days end at; now by default.")
def simulate(directory: Path, users: int, days: float, seed: int, until_ms: int | None) -> None:
    """Write the past of a simulated world into DIRECTORY, new or empty, in the interchange format.

    Equal options, --until among them, make equal tables. What is assumed of the people is in
    docs/simulation.md.
    """
    from simulation.past import Past
    from simulation.world import make_world
    from wiring.simulated import write_past

    began_s = time.monotonic()
    until_ms = SystemClock().now_ms() if until_ms is None else until_ms
    past = Past(make_world(users, seed), until_ms - round(days * _DAY_MS), until_ms)
    rows = write_past(past, directory, click.echo)
    for table, number in rows.items():
        click.echo(f"{number:>12,} {table}")
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB / 1e6
    click.echo(f"{time.monotonic() - began_s:.1f} s, {memory_mb:.0f} MB at most")
    click.echo(f"next: rankfeed import {directory}")
