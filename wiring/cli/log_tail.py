"""`rankfeed log tail`: what is in the log."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import click

from core.clock import SystemClock
from eventlog.log import Entry, OperatedLog
from eventlog.reading import as_json, read, tail, type_of
from eventlog.schema import EVENTS
from wiring.cli.log_arguments import TOPICS, Since
from wiring.cli.operated_log import open_log
from wiring.process import stopping
from wiring.running_stack import as_running
from wiring.settings import Settings


@click.command("tail")
@click.argument("topics", nargs=-1, required=True, type=click.Choice(TOPICS), metavar="TOPIC...")
@click.option("--since", "since_ms", type=Since(), help="Begin there (2026-05-01T12:00Z, 10m), not now.")
@click.option("--until-end", is_flag=True, help="End at what is there now; without --since all of it.")
@click.option("--limit", type=click.IntRange(1), help="End after so many events.")
@click.option("--key", type=click.IntRange(-(2**63), 2**63 - 1), help="Only those of this key.")
@click.option("--type", "type_", help="Only those of this type, e.g. tweet.created.")
@click.pass_obj
def tail_(
    settings: Settings,
    topics: tuple[str, ...],
    since_ms: int | None,
    until_end: bool,
    limit: int | None,
    key: int | None,
    type_: str | None,
) -> None:
    """Print events as JSON lines as they come, until Ctrl-C. Nobody's offsets are moved by it."""
    if type_ is not None and type_ not in EVENTS:
        click.echo(f"no event of this version is called '{type_}'; there are: {', '.join(EVENTS)}", err=True)

    def wanted(entry: Entry) -> bool:
        return (key is None or entry.key == key) and (type_ is None or type_of(entry) == type_)

    async def print_entries() -> None:
        printed = 0
        async with (
            _stopping_with_reader() as stop,
            open_log(as_running(settings), SystemClock()) as opened,
            aclosing(_entries(opened, topics, stop, since_ms, until_end)) as entries,
        ):
            async for entry in entries:
                if stop.is_set():
                    return
                if wanted(entry):
                    click.echo(as_json(entry))
                    printed += 1
                    if printed == limit:
                        return

    asyncio.run(print_entries())


async def _entries(
    log: OperatedLog, topics: Sequence[str], stop: asyncio.Event, since_ms: int | None, until_end: bool
) -> AsyncGenerator[Entry, None]:
    if until_end:
        start = None if since_ms is None else await log.offsets_at(topics, since_ms)
        entries = read(log, topics, start=start)
    else:
        entries = tail(log, topics, stop, since_ms=since_ms)
    async with aclosing(entries):
        async for entry in entries:
            yield entry


@asynccontextmanager
async def _stopping_with_reader() -> AsyncIterator[asyncio.Event]:
    """As `stopping`; and where we print into a pipe, once nobody reads from it any more."""
    async with stopping(None) as stop:
        pipe = _pipe_of_stdout()
        if pipe is not None:
            # Nobody can write to our end of it: readable means closed.
            asyncio.get_running_loop().add_reader(pipe, stop.set)
        try:
            yield stop
        finally:
            if pipe is not None:
                asyncio.get_running_loop().remove_reader(pipe)


def _pipe_of_stdout() -> int | None:
    with contextlib.suppress(OSError, ValueError):
        descriptor = sys.stdout.fileno()
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            return descriptor
    return None
