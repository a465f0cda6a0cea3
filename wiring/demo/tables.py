"""What a demo came to, on the terminal."""

from __future__ import annotations

from rich.table import Table

from simulation.arms import ARMS
from simulation.judgement import ORDERS
from simulation.lift import Estimate
from wiring.demo.report import DemoFigures, quantiles


def tables(figures: DemoFigures) -> list[Table]:
    lift, judgement = figures.lift, figures.judgement
    arms = Table(title="Utility a session, in truth: clicks, likes twice, hides five times off")
    for column in ("arm", "viewers", "mean", "95 %"):
        arms.add_column(column, justify="left" if column == "arm" else "right")
    for arm in ARMS:
        arms.add_row(arm, str(lift.viewers[arm]), *_cells(lift.arms[arm]))
    arms.add_row("ranked over chronological", "", *_cells(lift.lift))
    arms.add_row("one half of chronological over the other", "", *_cells(lift.aa))
    orders = Table(title=f"NDCG@10 against the truth, {judgement.viewers} viewers")
    for column in ("order", "mean", "95 %"):
        orders.add_column(column, justify="left" if column == "order" else "right")
    for order in ORDERS:
        fewer = f", of {judgement.asked}" if order == "logistic" else ""
        orders.add_row(f"{order}{fewer}", *_cells(judgement.ndcg[order]))
    orders.add_row("ranked over popularity, paired", *_cells(judgement.over_popularity))
    orders.add_row("ranked over logistic, paired", *_cells(judgement.over_logistic))
    times = Table(title="Milliseconds, as clients see them while all are at it")
    for column in ("what", "p50", "p99"):
        times.add_column(column, justify="left" if column == "what" else "right")
    for name, values in figures.times_ms.items():
        times.add_row(name, *(f"{one:.0f}" for one in quantiles(values).values()))
    return [arms, orders, times]


def lines(figures: DemoFigures) -> list[str]:
    rungs = figures.rungs
    return [
        figures.share_words(),
        f"{figures.pages.served_ranked} of {len(figures.pages.rungs)} feeds served ranked; rungs: "
        + ", ".join(f"{name} {count / rungs.total():.1%}" for name, count in rungs.most_common()),
        "found by: " + (", ".join(f"{name} {count:,}" for name, count in figures.sources.items()) or "-"),
    ]


def _cells(estimate: Estimate) -> tuple[str, str]:
    if not estimate.known:
        return "-", ""
    return f"{estimate.mean:.3f}", f"{estimate.lo:.3f} to {estimate.hi:.3f}"
