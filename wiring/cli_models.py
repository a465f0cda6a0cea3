"""`rankfeed train` and `evaluate`."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path

import click

from wiring.acting_user import acting_user
from wiring.cli_registry import promote_model, serving_bundle
from wiring.home import Home
from wiring.model_labels import existing_bundle
from wiring.settings import Settings


class Moment(click.ParamType[int]):
    """A moment with its offset from UTC, as milliseconds since the epoch."""

    # As `--help` shows it.
    name = "yyyy-mm-ddThh:mmZ"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"'{value}' is no moment; write 2022-05-01T00:00+08:00", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"'{value}' lacks its offset from UTC; write {value}Z or {value}+08:00", param, ctx)
        return int(moment.timestamp() * 1000)


class Window(click.ParamType[tuple[str, float]]):
    """HEAD=SECONDS."""

    name = "window"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        head, equals, seconds = str(value).partition("=")
        try:
            window_s = float(seconds)
        except ValueError:
            window_s = math.nan
        if not equals or not 0 < window_s < math.inf:
            self.fail(f"'{value}' is no window; write HEAD=SECONDS, e.g. click=600", param, ctx)
        return head, window_s


def register(main: click.Group) -> None:
    main.add_command(train)
    main.add_command(evaluate)


@click.command()
@click.option("--name", default="home", show_default=True, help="The model's name.")
@click.option("--from", "from_ms", type=Moment(), help="Learn from impressions since then.")
@click.option("--until", "until_ms", type=Moment(), help="Learn from impressions before then.")
@click.option(
    "--lag", default=60.0, show_default=True, help="Seconds that features lag behind, where replayed."
)
@click.option(
    "--window",
    "windows",
    type=Window(),
    multiple=True,
    metavar="HEAD=SECONDS",
    help="How long after an impression the head's event counts.",
)
@click.option("--head", "heads", multiple=True, metavar="HEAD", help="Only these heads.")
@click.option(
    "--min-positives", default=300, show_default=True, help="A head with fewer of them is a constant."
)
@click.option("--trees", default=200, show_default=True, help="At most so many a head.")
@click.option(
    "--max-rows",
    default=2_000_000,
    show_default=True,
    help="Of more, a head learns from a part of the negatives.",
)
@click.option("--seed", default=1, show_default=True)
@click.option("--promote", "promote_it", is_flag=True, help="Promote the model if it passes its gates.")
@click.pass_obj
def train(
    settings: Settings,
    name: str,
    from_ms: int | None,
    until_ms: int | None,
    lag: float,
    windows: tuple[tuple[str, float], ...],
    heads: tuple[str, ...],
    min_positives: int,
    trees: int,
    max_rows: int,
    seed: int,
    promote_it: bool,
) -> None:
    """Train all heads from the lake, export them to one ONNX graph, and check that both agree.

    Stopped in between, it goes on after the heads that are done when it is run again.
    """
    from training.labels import head_named
    from training.train import TrainOptions
    from training.train import train as train_model

    home = Home(settings.home)
    options = TrainOptions(
        name=name,
        from_ms=from_ms,
        until_ms=until_ms,
        lag_s=lag,
        heads=tuple(head_named(head) for head in heads),
        windows_s={head_named(head): window_s for head, window_s in windows},
        seed=seed,
        trees=trees,
        min_positives=min_positives,
        max_rows=max_rows,
    )
    bundle = train_model(home.lake, home.models, options, click.echo)
    if promote_it:
        promote_model(settings, bundle, acting_user(), "trained and promoted at once")
    else:
        click.echo(f"next: rankfeed models promote {bundle.parent.name}@{bundle.name}")


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
