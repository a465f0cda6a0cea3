"""`rankfeed train`: all heads, from the lake to a bundle."""

from __future__ import annotations

import math

import click

from wiring.cli.acting_user import acting_user
from wiring.cli.models import promote_model
from wiring.cli.moment import Moment
from wiring.home import Home
from wiring.settings import Settings


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
