"""The demo: a simulated world on a real stack, told act by act."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console

from core.clock import SystemClock
from ranking.objective import Objective
from simulation.client import FeedClient
from training.train import Trained
from wiring.demo import live, made_ready
from wiring.demo.as_json import to_json
from wiring.demo.kept import keep, token
from wiring.demo.page import page
from wiring.demo.report import DemoFigures
from wiring.demo.show import DemoShow, DemoSize
from wiring.demo.sources import served_sources
from wiring.demo.tables import lines, tables
from wiring.environment import overlaid
from wiring.home import Home, StackState
from wiring.keys import stack_keys
from wiring.settings import Settings

PIPE_WIDTH = 140
CALL_TIMEOUT_S = 30.0
KEPT_ALIVE_S = 2.0
RETRIES = 5


@dataclass(frozen=True, slots=True)
class DemoOptions:
    small: bool
    keep: bool
    seed: int
    json_file: Path | None
    html_file: Path
    began_s: float


_FULL = DemoSize(users=720, days=7.0, sessions=1, posts=80, probes=40, judged=120, audited=80)
_SMALL = DemoSize(users=150, days=4.0, sessions=1, posts=20, probes=10, judged=30, audited=25)


async def run_demo(settings: Settings, home: Home, state: StackState, options: DemoOptions) -> None:
    """Raises DemoFailed where a tweet was lost or shown twice, or nothing was served as ranked."""
    settings = overlaid(settings, state.settings)
    clock, size = SystemClock(), _SMALL if options.small else _FULL
    console = Console(highlight=False)
    if not console.is_terminal:
        # A pipe has no width of its own; two feeds need this much to stand side by side.
        console = Console(highlight=False, width=PIPE_WIDTH)
    keys = stack_keys(home)

    def token_of(user_id: int) -> str:
        return token(keys, settings, user_id, clock.now_ms() // 1000)

    # Given up before the server does: it ends idle connections after 5 s, and a call might meet that.
    limits = httpx.Limits(max_connections=32, keepalive_expiry=KEPT_ALIVE_S)
    async with httpx.AsyncClient(base_url=state.api_url, timeout=CALL_TIMEOUT_S, limits=limits) as http:
        show = DemoShow(settings, home, state, console, clock, size, options.seed)
        crowd = await made_ready.past(
            show, lambda user_id: FeedClient(http, token_of(user_id), retries=RETRIES)
        )
        trained = await made_ready.training(show)
        objective = await made_ready.objective(show)
        post_ms = await live.posting(show, crowd)
        lift = await live.visits(show, crowd)
        chaos = await live.chaos(show, crowd, lambda user_id: FeedClient(http, token_of(user_id)))
        judgement, feeds = await live.comparison(show, crowd, trained, objective)
        await live.reactions(show, crowd)
        audit = await live.audit(show, crowd)
        wall_s = time.monotonic() - options.began_s
        sources, setting = served_sources(home.lake), _setting(show, trained, objective)
        figures = DemoFigures(
            lift=lift,
            judgement=judgement,
            heads=trained.reports,
            pages=crowd.pages,
            post_ms=post_ms,
            audit=audit,
            wall_s=wall_s,
            feeds=feeds,
            sources=sources,
            setting=setting,
            chaos=chaos,
        )
        _report(show, figures, options)
        if options.keep:
            keep(console, state, token_of(crowd.user_id_of(0)), crowd.user_id_of(0))
            # Ctrl-C is how this ends: nothing is broken off.
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()


def _setting(show: DemoShow, trained: Trained, objective: Objective) -> dict[str, str]:
    """What was run, in words: for the page."""
    size, bundle = show.size, trained.bundle
    weights = ", ".join(f"{head} {one.w:g}" for head, one in objective.weights.items())
    return {
        "World": f"{size.users:,} people, {size.days:.0f} days of a past; seed {show.seed}",
        "Model": f"{bundle.parent.name}@{bundle.name}, of {len(trained.found):,} impressions",
        "Objective": f"{objective.label}, which weighs {weights}",
    }


def _report(show: DemoShow, figures: DemoFigures, options: DemoOptions) -> None:
    show.title("What it comes to")
    for table in tables(figures):
        show.show(table)
    for line in lines(figures):
        show.say(line)
    show.say(f"{figures.wall_s:.0f} s in all; what is assumed of the people: docs/simulation.md")
    if options.json_file is not None:
        options.json_file.write_bytes(to_json(figures))
    options.html_file.write_text(page(figures), encoding="utf-8")
    show.say(f"all of it, with plots: {options.html_file.absolute()}")
