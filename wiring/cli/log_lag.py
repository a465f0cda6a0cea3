"""`rankfeed log lag`: how far the consumers of the log are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import click
import msgspec

from core.clock import SystemClock
from wiring.cli.operated_log import open_log
from wiring.draining import GROUPS
from wiring.running_stack import as_running
from wiring.settings import Settings


@click.command()
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


def print_lag(lag: Mapping[str, Mapping[str, int]], *, as_lines: bool) -> None:
    if not as_lines:
        click.echo(f"{'group':12} {'topic':10} {'lag':>12}")
    for group, topics in lag.items():
        for topic, count in topics.items():
            if as_lines:
                click.echo(msgspec.json.encode({"group": group, "topic": topic, "lag": count}))
            else:
                click.echo(f"{group:12} {topic:10} {count:>12,}")
