"""`rankfeed lake`: what is in it, and its closed hours made into one file each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import msgspec

from core.clock import SystemClock
from core.errors import ConfigurationError, Unavailable
from wiring.cli.operated_log import open_log
from wiring.draining import GROUPS
from wiring.home import Home
from wiring.process import configure_logging
from wiring.running_stack import as_running
from wiring.settings import Settings

_COLUMNS = ("table", "rows", "files", "bytes", "first", "last", "complete until", "dropped", "lag")


@click.group()
@click.pass_obj
def lake(settings: Settings) -> None:
    """The lake: what was served, seen and done, in Parquet files below RANKFEED_HOME."""
    configure_logging(settings, "lake")


@lake.command()
@click.option("--json", "as_lines", is_flag=True, help="One JSON line a table.")
@click.pass_obj
def stats(settings: Settings, as_lines: bool) -> None:
    """Print each table's rows, files, bytes and hours, and how far it is complete (UTC)."""
    # Imported here, as below: polars takes its time, and no process that serves needs it.
    from stores.lake import LakeReader
    from stores.lake_stats import table_stats

    root = Home(settings.home).lake
    found = table_stats(root, LakeReader(root).manifest)
    for directory, prefix in _others(root):
        found += table_stats(directory, LakeReader(directory).manifest, prefix)
    lags = _lags(settings)
    rows = [msgspec.to_builtins(one) | {"lag": lags.get(one.table)} for one in found]
    if as_lines:
        for row in rows:
            click.echo(msgspec.json.encode(row))
        return
    _print([_COLUMNS, *map(_cells, rows)])


@lake.command()
@click.pass_obj
def compact(settings: Settings) -> None:
    """Make one file of each hour that is over, now; the pipelines process does so by itself, in time."""
    from features.offline_rows import OFFLINE
    from stores.lake import LakeReader
    from stores.lake_compaction import LakeCompaction
    from stores.lake_disk import LakeDisk
    from stores.lake_merging import AT_ONCE
    from stores.lake_store import LakeStore
    from stores.lake_tables import SCHEMAS

    clock, root = SystemClock(), Home(settings.home).lake
    LakeReader(root)  # which says what to do where there is no lake
    for directory, prefix in [(root, ""), *_others(root)]:
        try:
            store = LakeStore.open(directory, LakeDisk(), OFFLINE if prefix else SCHEMAS)
        except Unavailable as exc:
            raise ConfigurationError(
                f"{exc}. A stack that runs compacts by itself; to have it done now, stop it first."
            ) from exc
        try:
            compaction = LakeCompaction(store, AT_ONCE)
            while (done := compaction.step(clock.now_ms())) is not None:
                click.echo(
                    f"{prefix or 'lake'}: {done.files:,} files of {done.hours:,} hours, {done.rows:,} rows"
                )
            left = sum(map(len, store.manifest.files.values()))
        finally:
            store.close()
        click.echo(
            f"{prefix or 'lake'}: {left:,} files are left; merged ones go with writes ten minutes from now"
        )


def _others(root: Path) -> Iterator[tuple[Path, str]]:
    """Lakes within the lake: the features' offline source, once there is one."""
    from features.offline_rows import DIRECTORY
    from stores.lake import manifest_numbers

    if manifest_numbers(root / DIRECTORY):
        yield root / DIRECTORY, f"{DIRECTORY}/"


def _lags(settings: Settings) -> Mapping[str, int]:
    """Events that are not in the lake yet, by table; without a log to ask, nothing, and why."""
    from pipelines.lake_rows import TABLE_OF_TOPIC

    async def ask() -> Mapping[str, int]:
        async with open_log(as_running(settings), SystemClock()) as log:
            return await log.lag("lake", GROUPS["lake"])

    try:
        by_topic = asyncio.run(ask())
    except (ConfigurationError, Unavailable) as exc:
        click.echo(f"the lag is not known: {exc}", err=True)
        return {}
    return {TABLE_OF_TOPIC[topic]: count for topic, count in by_topic.items()}


def _cells(row: Mapping[str, object]) -> tuple[str, ...]:
    return (
        str(row["table"]),
        *(_number(row[name]) for name in ("rows", "files", "bytes")),
        *(_hour(row[name]) for name in ("first_ms", "last_ms")),
        _moment(row["complete_until_ms"]),
        *(_number(row[name]) for name in ("dropped", "lag")),
    )


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else "-"


def _hour(value: object) -> str:
    return _moment(value)[:13] + "h" if isinstance(value, int) else "-"


def _moment(value: object) -> str:
    from ranking.bundle import format_time

    return format_time(value) if isinstance(value, int) else "-"


def _print(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        name, *others = (
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        click.echo("  ".join((name, *others)))
