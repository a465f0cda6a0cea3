"""`rankfeed dlq`: events that were set aside because they always failed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from core.clock import SystemClock
from eventlog.dead_letters import DeadLetters, SetAside
from eventlog.reading import content_of
from wiring.cli.log_arguments import place_of
from wiring.cli.operated_log import home_with_a_log, open_log
from wiring.process import configure_logging
from wiring.resources import leased_ids, open_stores
from wiring.running_stack import as_running
from wiring.settings import Settings

_ERROR_CHARS = 80


@click.group()
@click.pass_obj
def dlq(settings: Settings) -> None:
    """Dead letters: events that always failed, set aside with their cause so that the others went on."""
    configure_logging(settings, "dlq")


@dlq.command("list")
@click.option("--all", "all_", is_flag=True, help="Those that were tried again as well.")
@click.option("--json", "as_lines", is_flag=True, help="One JSON line a letter, with its event.")
@click.pass_obj
def list_(settings: Settings, all_: bool, as_lines: bool) -> None:
    """List the letters that nobody has tried again yet, oldest first."""

    async def ask() -> list[SetAside]:
        clock = SystemClock()
        async with open_log(as_running(settings), clock) as log:
            letters = DeadLetters(log, clock)
            return await letters.all() if all_ else await letters.waiting()

    found = asyncio.run(ask())
    for one in found:
        click.echo(msgspec.json.encode(_described(one)) if as_lines else _line(one))
    if not found and not as_lines:
        click.echo("no dead letters" if all_ else "no dead letters wait; --all lists those of before")


@dlq.command()
@click.argument("id", type=int)
@click.pass_obj
def show(settings: Settings, id: int) -> None:
    """Print one letter as JSON: its event, what it failed with, and where it lay."""

    async def ask() -> SetAside:
        clock = SystemClock()
        async with open_log(as_running(settings), clock) as log:
            return await DeadLetters(log, clock).one(id)

    click.echo(msgspec.json.format(msgspec.json.encode(_described(asyncio.run(ask()))), indent=2))


@dlq.command()
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@click.option("--all", "all_", is_flag=True, help="Every letter that nobody has tried again yet.")
@click.pass_obj
def redrive(settings: Settings, ids: tuple[int, ...], all_: bool) -> None:
    """Publish the events of letters once more, once what they failed with has been mended."""
    if bool(ids) == all_:
        raise click.UsageError("name letters by their ids, or all of them by --all")
    published = asyncio.run(_redrive(as_running(settings), ids))
    click.echo(f"published once more: {published}; what fails again is a new letter in `rankfeed dlq list`")


async def _redrive(settings: Settings, ids: tuple[int, ...]) -> int:
    """Without ids all that wait."""
    home, clock = home_with_a_log(settings), SystemClock()
    async with open_log(settings, clock) as log, open_stores(settings, home, clock) as stores:
        letters = DeadLetters(log, clock)
        chosen = list(ids) or [one.id for one in await letters.waiting()]
        async with leased_ids(stores.control, clock) as mint:
            return await letters.redrive(chosen, mint)


def _described(one: SetAside) -> dict[str, Any]:
    letter = one.letter
    return {
        "id": str(one.id),
        "at": _time(one.at_ms),
        "group": letter.group,
        "topic": letter.from_topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "key": str(one.key),
        "attempts": letter.attempts,
        "error": letter.error,
        "redriven": one.redriven,
        "event": content_of(letter.raw),
    }


def _line(one: SetAside) -> str:
    letter = one.letter
    type_ = content_of(letter.raw).get("type", "-")
    # An error may quote the event, and an event what somebody wrote: nothing of it shall move the cursor.
    error = "".join(char if char.isprintable() else " " for char in letter.error)
    error = error if len(error) <= _ERROR_CHARS else f"{error[: _ERROR_CHARS - 1]}…"
    return (
        f"{one.id:<19} {_time(one.at_ms)}  {letter.group:8} "
        f"{place_of(letter.from_topic, letter.partition, letter.offset):22} {type_:14} "
        f"{'redriven  ' if one.redriven else ''}{error}"
    )


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
