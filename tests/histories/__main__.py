"""`python -m tests.histories [COUNT]`: tells histories, and says what was wrong and how to see it again."""

from __future__ import annotations

import os
import secrets
import sys
import time

import click

from tests.histories.chunks import chunks, side_by_side
from tests.histories.expectations import shortcomings
from tests.histories.tally import Tally


@click.command()
@click.argument("count", type=click.IntRange(min=1), default=500)
@click.option("--seed", type=int, help="Of the first 250; the next have the seeds after it.")
@click.option("--processes", type=click.IntRange(min=1), default=os.cpu_count() or 1, show_default=True)
def main(count: int, seed: int | None, processes: int) -> None:
    first = secrets.randbelow(10**9) if seed is None else seed
    began_s = time.monotonic()
    whole, failed = Tally(), 0
    for told in side_by_side(chunks(count, first), processes):
        if told.tally is not None:
            whole.merge(told.tally)
            click.echo(f"seed {told.chunk.seed}: {told.chunk.count} histories, every feed is the truth")
            continue
        failed += 1
        click.echo(told.failure)
        click.echo(f"again: {told.chunk.again}\n")
    elapsed_s = time.monotonic() - began_s
    if not whole.lengths:
        sys.exit(1)
    click.echo("\n".join(whole.rows()))
    click.echo(f"{len(whole.lengths) / elapsed_s:.1f} a second, seed {first}, {failed} of the seeds failed")
    lacking = shortcomings(whole)
    click.echo("\n".join(lacking))
    sys.exit(1 if failed or lacking else 0)


if __name__ == "__main__":
    main()
