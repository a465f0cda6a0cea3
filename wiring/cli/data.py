"""`rankfeed convert`, `import`, `export` and `id`: other people's data, and ours for them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from core.clock import SystemClock
from core.errors import ConfigurationError
from wiring.cli.moment import Moment
from wiring.draining import GROUPS
from wiring.environment import overlaid
from wiring.home import Home
from wiring.resources import open_stores
from wiring.running_stack import as_running
from wiring.settings import Settings

_DIRECTORY = click.Path(file_okay=False, path_type=Path)
_REPORT = click.option(
    "--report",
    "report_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it there, as JSON.",
)


@click.group()
def convert() -> None:
    """Bring other formats into the interchange format."""


@convert.command("kuairand")
@click.argument("src", type=_DIRECTORY)
@click.argument("directory", type=_DIRECTORY)
@click.option(
    "--follow-engaged",
    is_flag=True,
    help="KuaiRand has no follows: assume that viewers follow the authors they clicked or liked.",
)
@click.option("--until", "until_ms", type=Moment(), help="Assume follows from engagements before then only.")
@_REPORT
def convert_kuairand_command(
    src: Path, directory: Path, follow_engaged: bool, until_ms: int | None, report_file: Path | None
) -> None:
    """Convert KuaiRand-Pure files in SRC into DIRECTORY."""
    from interchange.kuairand import convert_kuairand
    from interchange.report import write_report

    report = convert_kuairand(
        src, directory, follow_engaged=follow_engaged, until_ms=until_ms, report=click.echo
    )
    for line in report.lines():
        click.echo(line)
    if report_file is not None:
        write_report(report_file, report)
    click.echo(f"next: rankfeed import {directory}")


@click.command("import")
@click.argument("directory", type=_DIRECTORY)
@_REPORT
@click.pass_obj
def import_(settings: Settings, directory: Path, report_file: Path | None) -> None:
    """Import DIRECTORY (interchange format) through the log and the pipelines, with its own times.

    Can be stopped at any point and run again. What was refused, and why, is told, and written down as
    JSON: under imports/ in RANKFEED_HOME, or where --report says.
    """
    from wiring.running_stack import running_stack, this_environment

    home = Home(settings.home.absolute())
    with running_stack(home, this_environment(), click.echo) as state:
        asyncio.run(_import(overlaid(settings, state.settings), home, directory, report_file))


@click.command()
@click.argument("directory", type=_DIRECTORY)
@click.option("--source", default="rankfeed", show_default=True, help="Your name for this stack.")
@_REPORT
@click.pass_obj
def export(settings: Settings, directory: Path, source: str, report_file: Path | None) -> None:
    """Write DIRECTORY, new or empty, in the interchange format: what a stack's lake and stores hold.

    The stack may run or not. DIRECTORY comes to be whole or not at all.
    """
    asyncio.run(_export(as_running(settings), directory, source, report_file))


@click.command("id")
@click.argument("namespace")
@click.argument("external_id")
@click.pass_obj
def show_id(settings: Settings, namespace: str, external_id: str) -> None:
    """Print our id of an imported user or tweet, as in `rankfeed id kuairand/user 2304`."""
    asyncio.run(_show_id(settings, namespace, external_id))


async def _import(settings: Settings, home: Home, directory: Path, report_file: Path | None) -> None:
    from interchange.report import write_report
    from wiring.draining import await_drained
    from wiring.importing import import_directory

    clock = SystemClock()
    async with open_stores(settings, home, clock) as stores:
        report = await import_directory(stores, home, clock, directory, click.echo)
        written = report_file or home.imports / f"{report.digest}.json"
        write_report(written, report)
        click.echo(f"the whole report, with the numbers of refused rows: {written}")
        await await_drained(stores.log, clock, click.echo)
    click.echo("next: rankfeed train, then rankfeed up")


async def _export(settings: Settings, directory: Path, source: str, report_file: Path | None) -> None:
    from interchange.exporter import ExportSources, export_history
    from interchange.report import write_report
    from stores.lake import LakeReader

    home = Home(settings.home)
    async with open_stores(settings, home, SystemClock()) as stores:
        behind = sum((await stores.log.lag("lake", GROUPS["lake"])).values())
        if behind:
            click.echo(
                f"{behind:,} events are not in the lake yet, and will not be in the export: while the stack "
                "runs, the lake follows within seconds"
            )
        sources = ExportSources(stores.users, stores.tweets, LakeReader(home.lake))
        report = await export_history(sources, directory, source=source, report=click.echo)
    if report_file is not None:
        write_report(report_file, report)
    for line in report.lines():
        click.echo(line)
    click.echo(f"next: rankfeed import {directory}, with another RANKFEED_HOME")


async def _show_id(settings: Settings, namespace: str, external_id: str) -> None:
    def absent(position: int) -> int:
        raise ConfigurationError(
            f"nothing was imported as {external_id} of {namespace}; the import's meta.json has the namespaces"
        )

    async with open_stores(as_running(settings), Home(settings.home), SystemClock()) as stores:
        (found,) = await stores.control.map_external_ids(namespace, [external_id], absent)
    click.echo(int(found))
