"""`rankfeed report`: what a ranked feed would gain on an imported history, and what that cannot tell."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.clock import SystemClock
from core.errors import ConfigurationError
from wiring.cli.model_labels import existing_bundle
from wiring.cli.moment import Moment
from wiring.cli.out_file import OutFile
from wiring.home import Home
from wiring.resources import open_stores
from wiring.running_stack import as_running
from wiring.settings import Settings

if TYPE_CHECKING:
    from ranking.objective import Objective
    from stores.lake import LakeReader


@click.command()
@click.option("--model", "label", help="NAME@VERSION; the newest of `home` by default.")
@click.option(
    "--from", "from_ms", type=Moment(), help="Judge on impressions since then; since training by default."
)
@click.option("--until", "until_ms", type=Moment(), help="Judge on impressions before then.")
@click.option(
    "--lag", default=60.0, show_default=True, help="Seconds that features lag behind, where replayed."
)
@click.option("--seed", default=1, show_default=True, help="Of the resamples.")
@click.option(
    "--html",
    "html_file",
    type=OutFile(),
    default=Path("rankfeed-report.html"),
    show_default=True,
    help="The page.",
)
@click.option("--json", "json_file", type=OutFile(), help="Write the numbers there too.")
@click.pass_obj
def report(
    settings: Settings,
    label: str | None,
    from_ms: int | None,
    until_ms: int | None,
    lag: float,
    seed: int,
    html_file: Path,
    json_file: Path | None,
) -> None:
    """What a ranked feed would gain on your own history, on one page, and what the data cannot tell.

    After `rankfeed import` and `rankfeed train --until …`; judged on what came after the training.
    """
    from ranking.bundle import format_time, load_bundle, parse_time
    from stores.lake import LakeReader
    from training.contents import contents, last_fifth_ms
    from training.evaluate import EvaluateOptions, evaluate
    from training.page import moment
    from wiring.history.limits import limits
    from wiring.history.page import page
    from wiring.history.report import VERSION, HeadSupport, HistoryReport, read_imports, to_json

    home = Home(settings.home)
    reader = LakeReader(home.lake)
    held = contents(reader)
    command = f"rankfeed train --until {format_time(last_fifth_ms(reader))}"
    if label is None and not any((home.models / "home").glob("*/manifest.json")):
        raise ConfigurationError(
            f"there is no model in {home.models}, and `report` trains none: run `{command}` first, which "
            "leaves the last fifth of the impressions to judge by"
        )
    bundle = existing_bundle(home, label)
    manifest = load_bundle(bundle).manifest
    trained = manifest.training
    _check_range(reader, from_ms, until_ms, parse_time(trained.to), command)
    objective = asyncio.run(_objective(settings, home))
    weights = {head: one.w for head, one in objective.weights.items() if one.w}
    options = EvaluateOptions(from_ms, until_ms, lag, seed, weights)
    evaluation = evaluate(home.lake, bundle, options, click.echo)
    imports = read_imports(home.imports)
    heads = [HeadSupport(one.name, one.positives, one.window_s, one.constant) for one in manifest.heads]
    found = HistoryReport(
        report=VERSION,
        contents=held,
        imports=imports,
        evaluation=evaluation,
        objective=objective.label,
        multiplied=_multiplied(objective),
        heads=heads,
        learned=f"learned from {trained.rows:,} impressions, {moment(trained.from_)} to {moment(trained.to)}",
        cannot_tell=limits(held, imports, evaluation, heads),
    )
    html_file.write_text(page(found), encoding="utf-8")
    if json_file is not None:
        json_file.write_bytes(to_json(found))
    click.echo(f"the report: {html_file.absolute()}")


def _check_range(
    reader: LakeReader, from_ms: int | None, until_ms: int | None, trained_to_ms: int, command: str
) -> None:
    """What the model learned from flatters it, and there must be something else."""
    import polars as pl

    from ranking.bundle import format_time

    trained_to = format_time(trained_to_ms)
    if from_ms is not None and from_ms < trained_to_ms:
        raise ConfigurationError(
            f"--from {format_time(from_ms)} is before the model's training ends, at {trained_to}: what it "
            f"learned from would flatter it. Let --from be {trained_to} or later, leave it out, or train on "
            f"less with `{command}`."
        )
    begins_ms = trained_to_ms if from_ms is None else from_ms
    if until_ms is not None and until_ms <= begins_ms:
        raise ConfigurationError(
            f"--until {format_time(until_ms)} is not after the first impression that may be judged, at "
            f"{format_time(begins_ms)}: choose a later --until."
        )
    seen = reader.scan("views", from_ms=begins_ms, to_ms=until_ms).filter(pl.col("kind") == "seen")
    if seen.select(pl.len()).collect().item():
        return
    if from_ms is None and until_ms is None:
        raise ConfigurationError(
            f"the model learned from all there is, until {trained_to}: nothing is left to judge it by. Train "
            f"one on less with `{command}`, then run `rankfeed report` again."
        )
    raise ConfigurationError(
        f"there is no impression from {format_time(begins_ms)} until "
        f"{'the end' if until_ms is None else format_time(until_ms)}: choose another range with --from and "
        "--until, or leave both out."
    )


async def _objective(settings: Settings, home: Home) -> Objective:
    from ranking.objectives import Objectives

    clock = SystemClock()
    async with open_stores(as_running(settings), home, clock) as stores:
        return (await Objectives(stores.control, clock).current()).objective


def _multiplied(objective: Objective) -> list[str]:
    """By whatever the document has besides its weights."""
    named = {
        "freshness": objective.freshness,
        "author diversity": objective.diversity,
        "factors of sources": objective.source_factor,
        "what was seen before": objective.seen,
    }
    return [name for name, one in named.items() if one]
