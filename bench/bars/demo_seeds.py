"""The demo in several worlds, one after the other: what it must show in each of them (issue 8)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.bars.bar import Result
from bench.bars.clone import DEMO_S
from wiring.environment import PREFIX

SEEDS = (1, 2, 3, 4, 5)
LEAST_ORACLE_SHARE = 0.30
LEAST_SERVED_RANKED = 0.99

Found = tuple[str, bool]
"""What a seed came to in words, and whether that is enough."""


@dataclass(frozen=True, slots=True)
class Ran:
    """`figures` are those of `demo --json`, None where it ended without them."""

    seed: int
    code: int
    figures: Mapping[str, Any] | None


def measure(arguments: list[str]) -> list[Result]:
    """`make bar-demo-seeds`, or `ARGS="1 2"` for these seeds: a row for each thing that is asked of them."""
    try:
        seeds = [int(one) for one in arguments] or SEEDS
    except ValueError:
        sys.exit('seeds are numbers: make bar-demo-seeds ARGS="1 2"')
    with tempfile.TemporaryDirectory(prefix="rankfeed-seeds-") as directory:
        return rows([_ran(seed, Path(directory)) for seed in seeds])


def rows(ran: Sequence[Ran]) -> list[Result]:
    return [
        _row(ran, "utility a session, ranked less time order", "interval above 0", _lift),
        _row(ran, "share of what the best order would gain", f"≥ {LEAST_ORACLE_SHARE:.0%}", _oracle_share),
        _row(ran, "A/A, half of time order less the other half", "interval covers 0", _same),
        _row(ran, "NDCG@10 of ranked over popularity", "paired interval above 0, regression told", _order),
        _row(
            ran,
            "served ranked outside the act of chaos, items lost, doubled",
            f"≥ {LEAST_SERVED_RANKED:.0%}, 0, 0; exit 0",
            _served,
        ),
        _row(ran, "seconds by the clock", f"≤ {DEMO_S} s", _seconds),
    ]


def _ran(seed: int, directory: Path) -> Ran:
    numbers, page = directory / f"{seed}.json", directory / f"{seed}.html"
    command = ["demo", "--seed", str(seed), "--json", str(numbers), "--html", str(page)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    done = subprocess.run([sys.executable, "-m", "wiring.cli", *command], env=environment, check=False)
    return Ran(seed, done.returncode, json.loads(numbers.read_bytes()) if numbers.exists() else None)


def _row(ran: Sequence[Ran], name: str, bar: str, found: Callable[[Mapping[str, Any]], Found]) -> Result:
    """It holds where every seed ended well and came to enough."""
    words, held = [], []
    for one in ran:
        said, enough = ("no figures", False) if one.figures is None else found(one.figures)
        words.append(f"seed {one.seed}: {said}" + (f", exit {one.code}" if one.code else ""))
        held.append(enough and one.code == 0)
    seeds = ", ".join(str(one.seed) for one in ran)
    return Result(f"make demo: {name}", "; ".join(words), f"{bar}, each seed", all(held), seed=seeds)


def _lift(figures: Mapping[str, Any]) -> Found:
    lift = figures["utility"]["lift"]
    return _interval(lift, digits=2), _above(lift)


def _oracle_share(figures: Mapping[str, Any]) -> Found:
    share = figures["oracle_share"]
    return ("-", False) if share is None else (f"{share:.0%}", share >= LEAST_ORACLE_SHARE)


def _same(figures: Mapping[str, Any]) -> Found:
    lo, hi = (figures["aa"][end] for end in ("lo", "hi"))
    return ("-", False) if lo is None or hi is None else (f"{lo:+.2f} to {hi:+.2f}", lo <= 0 <= hi)


def _order(figures: Mapping[str, Any]) -> Found:
    popular, logistic = (figures[f"ndcg10_over_{name}"] for name in ("popularity", "logistic"))
    told = logistic["mean"] is not None
    over = f"{_interval(popular, digits=3)}, over the regression {_interval(logistic, digits=3)}"
    return over, _above(popular) and told


def _served(figures: Mapping[str, Any]) -> Found:
    share, lost, doubled = (figures[name] for name in ("served_ranked_share", "lost", "doubled"))
    return f"{share:.1%}, {lost}, {doubled}", share >= LEAST_SERVED_RANKED and lost == doubled == 0


def _seconds(figures: Mapping[str, Any]) -> Found:
    return f"{figures['wall_s']:.0f} s", figures["wall_s"] <= DEMO_S


def _above(one: Mapping[str, Any]) -> bool:
    return one["lo"] is not None and one["lo"] > 0


def _interval(one: Mapping[str, Any], *, digits: int) -> str:
    if any(one[end] is None for end in ("mean", "lo", "hi")):
        return "-"
    mean, lo, hi = (f"{one[end]:+.{digits}f}" for end in ("mean", "lo", "hi"))
    return f"{mean} ({lo} to {hi})"
