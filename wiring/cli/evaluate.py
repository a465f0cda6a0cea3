"""`rankfeed evaluate`: what a model is worth on what it has not seen."""

from __future__ import annotations

from pathlib import Path

import click

from wiring.cli.model_labels import existing_bundle
from wiring.cli.models import serving_bundle
from wiring.cli.moment import Moment
from wiring.home import Home
from wiring.settings import Settings


@click.command()
@click.option("--model", "label", help="NAME@VERSION; the newest of `home` by default.")
@click.option("--from", "from_ms", type=Moment(), required=True, help="Judge on impressions since then.")
@click.option("--until", "until_ms", type=Moment(), help="Judge on impressions before then.")
@click.option(
    "--lag", default=60.0, show_default=True, help="Seconds that features lag behind, where replayed."
)
@click.option("--champion", help="NAME@VERSION to compare with; the one that serves by default.")
@click.option("--seed", default=1, show_default=True, help="Of the resamples.")
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write it there too."
)
@click.option(
    "--html", "html_file", type=click.Path(dir_okay=False, path_type=Path), help="Write a page with plots."
)
@click.pass_obj
def evaluate(
    settings: Settings,
    label: str | None,
    from_ms: int,
    until_ms: int | None,
    lag: float,
    champion: str | None,
    seed: int,
    json_file: Path | None,
    html_file: Path | None,
) -> None:
    """Judge a model on impressions it has not seen, head by head, against simple ways to rank."""
    from ranking.bundle import load_bundle
    from training.card import evaluation_card, read_gains
    from training.evaluate import EvaluateOptions
    from training.evaluate import evaluate as evaluate_model
    from training.evaluation import to_json
    from training.evaluation_table import render_table

    home = Home(settings.home)
    directory = existing_bundle(home, label)
    if champion is None:
        compared = serving_bundle(settings, apart_from=directory)
    else:
        compared = existing_bundle(home, champion)
    options = EvaluateOptions(from_ms=from_ms, to_ms=until_ms, lag_s=lag, seed=seed)
    evaluation = evaluate_model(home.lake, directory, options, click.echo, compared)
    click.echo(render_table(evaluation))
    if json_file is not None:
        json_file.write_bytes(to_json(evaluation))
    if html_file is not None:
        manifest = load_bundle(directory).manifest
        html_file.write_bytes(evaluation_card(manifest, evaluation, read_gains(directory)))
