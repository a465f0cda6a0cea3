"""`rankfeed objective`: what the ranking is for, as a document that is changed while it serves."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from core.clock import SystemClock
from core.errors import ConfigurationError, Unavailable
from ranking.objective import Objective, check, reweighed
from ranking.objective_bounds import check_bounds
from ranking.objectives import Objectives, encode_objective, read_draft
from ranking.presets import PRESETS
from ranking.processes import Reports, serving_processes
from wiring.cli.acting_user import acting_user
from wiring.home import Home
from wiring.objective_change import apply_objective
from wiring.objective_table import history_line, objective_lines, process_lines
from wiring.redis_settings import opened_redis
from wiring.resources import open_stores
from wiring.running_stack import as_running
from wiring.settings import Settings

if TYPE_CHECKING:
    from ranking.bundle import Manifest
    from stores.ports import ControlStore


class HeadWeight(click.ParamType[tuple[str, float]]):
    """`head=w`."""

    name = "head=w"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        head, _, number = str(value).partition("=")
        try:
            weight = float(number)
        except ValueError:
            weight = math.nan
        if not head or not math.isfinite(weight):
            self.fail(f"'{value}' is no weight; write like=2.5", param, ctx)
        return head, weight


@dataclass(frozen=True, slots=True)
class _Opened:
    """The objectives of this home, the champion's manifest if there is one, and who serves, if any may."""

    objectives: Objectives
    champion: Manifest | None
    reports: Reports | None


@click.group()
def objective() -> None:
    """The objective: weights over the model's heads, freshness, sources and diversity."""


@objective.command()
@click.option("--version", "number", type=click.IntRange(1), help="Another one than the one that applies.")
@click.option("--json", "as_json", is_flag=True, help="The document, as `set` takes it.")
@click.pass_obj
def show(settings: Settings, number: int | None, as_json: bool) -> None:
    """The objective that applies, and which processes go by it."""
    asyncio.run(_show(settings, number, as_json))


@objective.command()
@click.pass_obj
def history(settings: Settings) -> None:
    """Every objective that applied, who set it, when and why; the one that applies last."""
    asyncio.run(_history(settings))


@objective.command(name="set")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option("--preset", type=click.Choice(sorted(PRESETS)), help="One that comes with rankfeed.")
@click.option("--from", "number", type=click.IntRange(1), help="What applied as that version.")
@click.option(
    "--weight",
    "weights",
    type=HeadWeight(),
    multiple=True,
    help="Change a head's weight, within its bounds; may be given several times.",
)
@click.option("--reason", required=True, help="Why, for whoever reads the history.")
@click.option("--author", default=acting_user, show_default="you", help="Who sets it.")
@click.pass_obj
def set_objective(
    settings: Settings,
    file: Path | None,
    preset: str | None,
    number: int | None,
    weights: tuple[tuple[str, float], ...],
    reason: str,
    author: str,
) -> None:
    """Apply an objective, and wait until every serving process goes by it.

    From a FILE, a preset, a former version, or from the one that applies with other weights.
    """
    given = sum(one is not None for one in (file, preset, number))
    if given > 1:
        raise click.UsageError("give one of FILE, --preset and --from")
    if not given and not weights:
        raise click.UsageError("give a FILE, --preset, --from or --weight: nothing would change")

    draft = read_draft(file.read_bytes()) if file is not None else None
    draft = PRESETS[preset] if preset is not None else draft

    async def run() -> None:
        async with _opened(settings) as opened:
            seen = await opened.objectives.current()
            base = draft or seen.objective
            if number is not None:
                base = await opened.objectives.version(number)
            wanted = replace(
                reweighed(base, dict(weights)),
                version=seen.objective.version + 1,
                author=author,
                reason=reason,
                set_at="",
            )
            _check(wanted, opened.champion)
            await apply_objective(opened.objectives, wanted, seen, opened.reports, SystemClock(), click.echo)

    asyncio.run(run())


def _check(objective: Objective, champion: Manifest | None) -> None:
    """Raises ConfigurationError where it is out of bounds, or weighs what the champion does not predict."""
    check_bounds(objective)
    if champion is None:
        click.echo("no model serves yet: whether it has these heads shows when one is promoted", err=True)
        return
    try:
        check(objective, [head.name for head in champion.heads])
    except ConfigurationError as exc:
        raise ConfigurationError(f"{exc} (the champion, {champion.name}@{champion.version})") from exc


async def _show(settings: Settings, number: int | None, as_json: bool) -> None:
    import msgspec

    async with _opened(settings) as opened:
        current = (await opened.objectives.current()).objective
        shown = current if number is None else await opened.objectives.version(number)
        if as_json:
            click.echo(msgspec.json.format(encode_objective(shown), indent=2))
            return
        for line in objective_lines(shown):
            click.echo(line)
        if shown == current and opened.reports is not None:
            try:
                for line in process_lines(await opened.reports()):
                    click.echo(line)
            except Unavailable as exc:
                click.echo(f"which processes go by it is not known: {exc}", err=True)


async def _history(settings: Settings) -> None:
    async with _opened(settings) as opened:
        for one in await opened.objectives.history():
            click.echo(history_line(one))


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[_Opened]:
    home, clock = Home(settings.home), SystemClock()
    settings = as_running(settings)
    async with AsyncExitStack() as opened:
        stores = await opened.enter_async_context(open_stores(settings, home, clock))
        reports = None
        # Without a stack here there are processes only where somebody names their Redis.
        if settings.redis.url is not None:
            redis = await opened.enter_async_context(opened_redis(settings))
            reports = partial(serving_processes, redis)
        champion = await _champion(stores.control, home)
        yield _Opened(Objectives(stores.control, clock), champion, reports)


async def _champion(control: ControlStore, home: Home) -> Manifest | None:
    from ranking.bundle import load_bundle
    from ranking.registry import Registry

    registry = Registry(control, home.models, SystemClock(), None, by=acting_user())
    champion = (await registry.registered()).champion
    return None if champion is None else load_bundle(home.models / champion.name / champion.version).manifest
