"""`rankfeed train` and `evaluate`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from wiring.acting_user import acting_user
from wiring.cli_registry import promote_model
from wiring.home import Home
from wiring.model_labels import bundle_directory
from wiring.settings import Settings


class Moment(click.ParamType[int]):
    """A moment with its offset from UTC, as milliseconds since the epoch."""

    name = "moment"

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
@click.option("--window", default=600.0, show_default=True, help="Seconds after an impression for its click.")
@click.option("--seed", default=1, show_default=True)
@click.option("--promote", "promote_it", is_flag=True, help="Promote the model if it passes its gates.")
@click.pass_obj
def train(
    settings: Settings,
    name: str,
    from_ms: int | None,
    until_ms: int | None,
    lag: float,
    window: float,
    seed: int,
    promote_it: bool,
) -> None:
    """Train the click head from the lake, export it to ONNX, and check that both agree."""
    from training.train import TrainOptions
    from training.train import train as train_model

    home = Home(settings.home)
    options = TrainOptions(
        name=name, from_ms=from_ms, until_ms=until_ms, lag_s=lag, window_s=window, seed=seed
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
@click.option("--window", default=600.0, show_default=True, help="Seconds after an impression for its click.")
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write it there too."
)
@click.pass_obj
def evaluate(
    settings: Settings,
    label: str | None,
    from_ms: int,
    until_ms: int | None,
    lag: float,
    window: float,
    json_file: Path | None,
) -> None:
    """Judge a model on impressions it has not seen, against simple ways to rank."""
    from training.evaluate import EvaluateOptions, render_table, to_json
    from training.evaluate import evaluate as evaluate_model

    home = Home(settings.home)
    options = EvaluateOptions(from_ms=from_ms, to_ms=until_ms, lag_s=lag, window_s=window)
    evaluation = evaluate_model(home.lake, bundle_directory(home, label), options, click.echo)
    click.echo(render_table(evaluation))
    if json_file is not None:
        json_file.write_bytes(to_json(evaluation))
