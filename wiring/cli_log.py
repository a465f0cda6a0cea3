"""`rankfeed log tail` and `lag`: what is in the log, and how far its consumers are."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager

import click
import msgspec

from core.clock import SystemClock
from eventlog.log import Entry, OperatedLog
from eventlog.reading import as_json, read, tail, type_of
from eventlog.schema import EVENTS
from wiring.draining import GROUPS
from wiring.log_arguments import TOPICS, Since
from wiring.operated_log import open_log
from wiring.process import configure_logging, stopping
from wiring.running_stack import as_running
from wiring.settings import Settings


def register(main: click.Group) -> None:
    main.add_command(log)


@click.group()
@click.pass_obj
def log(settings: Settings) -> None:
    """The event log: look into it, and have a group of consumers begin again."""
    configure_logging(settings, "log")


@log.command("tail")
@click.argument("topics", nargs=-1, required=True, type=click.Choice(TOPICS), metavar="TOPIC...")
@click.option("--since", "since_ms", type=Since(), help="Begin there (2026-05-01T12:00Z, 10m), not now.")
@click.option("--until-end", is_flag=True, help="End at what is there now; without --since all of it.")
@click.option("--limit", type=click.IntRange(1), help="End after so many events.")
@click.option("--key", type=click.IntRange(-(2**63), 2**63 - 1), help="Only those of this key.")
@click.option("--type", "type_", help="Only those of this type, e.g. tweet.created.")
@click.pass_obj
def tail_command(
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


@log.command()
@click.argument("groups", nargs=-1, type=click.Choice(list(GROUPS)), metavar="[GROUP]...")
@click.option("--json", "as_lines", is_flag=True, help="One JSON line a topic of a group.")
@click.pass_obj
def lag(settings: Settings, groups: tuple[str, ...], as_lines: bool) -> None:
    """Print how many events each group has still to handle; without names, of all groups."""
    wanted = tuple(dict.fromkeys(groups)) or tuple(GROUPS)

    async def ask() -> dict[str, Mapping[str, int]]:
        async with open_log(as_running(settings), SystemClock()) as opened:
            return {group: await opened.lag(group, GROUPS[group]) for group in wanted}

    print_lag(asyncio.run(ask()), as_lines=as_lines)


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


def print_lag(lag: Mapping[str, Mapping[str, int]], *, as_lines: bool) -> None:
    if not as_lines:
        click.echo(f"{'group':12} {'topic':10} {'lag':>12}")
    for group, topics in lag.items():
        for topic, count in topics.items():
            if as_lines:
                click.echo(msgspec.json.encode({"group": group, "topic": topic, "lag": count}))
            else:
                click.echo(f"{group:12} {topic:10} {count:>12,}")
