"""The demo: a simulated world on a real stack, told act by act."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

import httpx
from msgspec.structs import replace
from rich.console import Console

from core.clock import SystemClock
from core.errors import ConfigurationError, RankfeedError
from ranking.bundle import load_bundle
from ranking.objective import Objective, reweighed
from ranking.objectives import Objectives
from ranking.processes import serving_processes
from ranking.registry import Registry
from simulation.audit import Audit, audit_feeds, counts_agree
from simulation.client import FeedClient
from simulation.crowd import Crowd
from simulation.judgement import Judgement, judge
from simulation.lift import Lift, measure_lift
from simulation.past import Past
from simulation.visit import Visit
from simulation.world import make_world
from stores.slates import SlateStore
from training.train import Trained, TrainOptions, train_and_judge
from wiring.chaos import ALLOWED
from wiring.chaos_act import ChaosAct
from wiring.demo_chaos import act_of_chaos
from wiring.demo_feeds import FeedsBeside, feeds_table, side_by_side
from wiring.demo_json import to_json
from wiring.demo_kept import keep, token
from wiring.demo_page import page
from wiring.demo_report import DemoFigures
from wiring.demo_sources import served_sources
from wiring.demo_tables import lines, tables
from wiring.draining import await_drained
from wiring.home import Home, StackState
from wiring.importing import import_directory
from wiring.interrupted import beside
from wiring.keys import stack_keys
from wiring.logistic_order import LogisticOrder
from wiring.objective_change import apply_objective
from wiring.objective_table import objective_lines
from wiring.redis_settings import opened_redis
from wiring.resources import open_stores
from wiring.settings import Settings, overlaid
from wiring.settled import settle
from wiring.simulated import write_past

P = ParamSpec("P")
T = TypeVar("T")

PIPE_WIDTH = 140
CALL_TIMEOUT_S = 30.0
COUNTED_WITHIN_S = 30.0
COUNTED = 300
KEPT_ALIVE_S = 2.0
RETRIES = 5
# The small demo has few of anything: a rough model is better than a constant.
FEW_POSITIVES = 50
DELETING = 8
# As a product team would say it that knows nothing of people's utility, but what it wants.
WEIGHTS = {"click": 1.0, "like": 2.0, "hide": -5.0}
WHY = "a like is worth two clicks, and what is hidden costs five"
_DAY_MS = 86_400_000


class DemoFailed(RankfeedError):
    """Something that the demo checks did not hold."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    small: bool
    keep: bool
    seed: int
    json_file: Path | None
    html_file: Path
    began_s: float


@dataclass(frozen=True, slots=True)
class _Size:
    users: int
    days: float
    sessions: int
    posts: int
    probes: int
    judged: int
    audited: int


_FULL = _Size(users=720, days=7.0, sessions=1, posts=80, probes=40, judged=120, audited=80)
_SMALL = _Size(users=150, days=4.0, sessions=1, posts=20, probes=10, judged=30, audited=25)


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
        acts = _Acts(settings, home, console, clock, size, options.seed)
        crowd = await acts.past(lambda user_id: FeedClient(http, token_of(user_id), retries=RETRIES))
        trained = await acts.training()
        await acts.objective()
        post_ms = await acts.posting(crowd)
        lift = await acts.visits(crowd)
        chaos = await acts.chaos(crowd, state, lambda user_id: FeedClient(http, token_of(user_id)))
        judgement, feeds = await acts.comparison(crowd, trained)
        await acts.reactions(crowd)
        audit = await acts.audit(crowd)
        wall_s = time.monotonic() - options.began_s
        sources, setting = served_sources(home.lake), await acts.setting(trained)
        figures = DemoFigures(
            lift,
            judgement,
            trained.reports,
            crowd.pages,
            post_ms,
            audit,
            wall_s,
            feeds,
            sources,
            setting,
            chaos,
        )
        acts.report(figures, options)
        if options.keep:
            keep(console, state, token_of(crowd.user_id_of(0)), crowd.user_id_of(0))
            # Ctrl-C is how this ends: nothing is broken off.
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()


class _Acts:
    def __init__(
        self, settings: Settings, home: Home, console: Console, clock: SystemClock, size: _Size, seed: int
    ) -> None:
        self._settings = settings
        self._home = home
        self._console = console
        self._clock = clock
        self._size = size
        self._seed = seed
        self._given_up = False

    async def past(self, client_of: Callable[[int], FeedClient]) -> Crowd:
        self._title(f"A simulated past of {self._size.days:.0f} days, imported")
        directory = self._home.root / "simulated"
        if directory.exists():
            raise ConfigurationError(
                f"a demo has been in {self._home.root} already: its people are there. Name another "
                "RANKFEED_HOME, or none; or delete that one."
            )
        now_ms = self._clock.now_ms()
        world = make_world(self._size.users, self._seed)
        past = Past(world, now_ms - round(self._size.days * _DAY_MS), now_ms)
        rows = await self._beside(write_past, past, directory, self._say)
        self._say(", ".join(f"{number:,} {table}" for table, number in rows.items()))
        async with open_stores(self._settings, self._home, self._clock) as stores:
            await import_directory(stores, self._home, self._clock, directory, self._say)
            settled = await settle(stores.control, past, directory)
            await await_drained(stores.log, self._clock, self._say)
        considered = self._settings.ranking.candidates
        return Crowd(world, settled, client_of, self._clock, considered)

    async def training(self) -> Trained:
        self._title("Training on what was seen and clicked")
        options = TrainOptions(name="home", seed=self._seed, min_positives=FEW_POSITIVES)
        places = self._home.lake, self._home.models
        trained = await self._beside(train_and_judge, *places, options, self._say)
        bundle = trained.bundle
        async with (
            opened_redis(self._settings) as redis,
            open_stores(self._settings, self._home, self._clock) as stores,
        ):
            reports = partial(serving_processes, redis)
            registry = Registry(stores.control, self._home.models, self._clock, reports, by="the demo")
            promoted = await registry.promote(bundle.parent.name, bundle.name, "the first model")
        self._say(
            f"promoted {promoted.entry.label}: {promoted.acknowledged} of {promoted.processes} processes run "
            f"it, after {promoted.elapsed_ms:.0f} ms"
        )
        return trained

    async def objective(self) -> None:
        self._title("What the ranking is for")
        async with (
            opened_redis(self._settings) as redis,
            open_stores(self._settings, self._home, self._clock) as stores,
        ):
            objectives = Objectives(stores.control, self._clock)
            seen = await objectives.current()
            wanted = replace(reweighed(seen.objective, WEIGHTS), author="the demo", reason=WHY)
            reports = partial(serving_processes, redis)
            await apply_objective(objectives, wanted, seen, reports, self._clock, self._say)
        for line in objective_lines(wanted):
            self._say(line)

    async def posting(self, crowd: Crowd) -> list[float]:
        self._title("From a post to a follower's feed")
        waits = [await crowd.time_to_feed_ms(probe) for probe in range(self._size.probes)]
        median_ms = sorted(waits)[len(waits) // 2]
        self._say(f"{median_ms:.0f} ms in the median of {len(waits)}, {max(waits):.0f} ms at worst")
        return waits

    async def visits(self, crowd: Crowd) -> Lift:
        self._title("Viewers come: time order, chance, ranked, and the best possible order")
        visits: list[Visit] = []
        for session in range(self._size.sessions):
            posted = await crowd.post(self._size.posts)
            await self._drain()
            came = await crowd.visits(session)
            looks, clicks = sum(one.looks for one in came), sum(one.clicks for one in came)
            self._say(
                f"{posted} tweets posted, {len(came)} sessions: {looks:,} looks, {clicks:,} clicks "
                f"({clicks / max(1, looks):.0%})"
            )
            visits += came
        return measure_lift(visits, len(crowd.viewers), self._seed)

    async def chaos(
        self, crowd: Crowd, state: StackState, client_of: Callable[[int], FeedClient]
    ) -> ChaosAct | None:
        self._title("Something breaks, twice")
        if state.settings.get(ALLOWED) != "true":
            self._say(f"not here: this stack may not be disturbed ({ALLOWED})")
            return None
        act = await act_of_chaos(crowd, client_of, self._settings, state, self._clock, self._say)
        for line in act.lines():
            self._say(line)
        return act

    async def comparison(self, crowd: Crowd, trained: Trained) -> tuple[Judgement, FeedsBeside]:
        self._title("Chronological beside ranked")
        if not crowd.pages.served_ranked:
            page = await crowd.viewers[0].client.feed(algorithm="ranked")
            raise DemoFailed(f"no feed was served ranked; meta says {page['meta']}")
        objective = await self._objective()
        async with opened_redis(self._settings) as redis:
            heads = [head.name for head in load_bundle(trained.bundle).manifest.heads]
            slates = SlateStore(redis)
            regression = await self._beside(LogisticOrder, trained.found, heads, objective, slates)
            judgement = await judge(crowd, self._size.judged, self._seed, regression.order)
        feeds = await side_by_side(crowd, judgement.most)
        self._console.print(feeds_table(feeds))
        return judgement, feeds

    async def reactions(self, crowd: Crowd) -> None:
        self._title("Likes, replies, retweets and deletions")
        deleted = await crowd.delete(DELETING)
        waited_s = await counts_agree(crowd, crowd.viewers[0].client, COUNTED, COUNTED_WITHIN_S)
        if waited_s is None:
            raise DemoFailed(f"after {COUNTED_WITHIN_S:.0f} s the counts are not what was acknowledged")
        self._say(
            f"{deleted} tweets deleted by their authors; the counts of {len(crowd.ledger.touched)} tweets "
            f"are what was acknowledged, {waited_s:.1f} s afterwards"
        )

    async def audit(self, crowd: Crowd) -> Audit:
        self._title("Nothing lost, nothing doubled")
        audit = await audit_feeds(crowd, self._size.audited)
        self._say(
            f"{audit.feeds} feeds read to their end, {audit.items:,} items: {audit.lost} lost, "
            f"{audit.doubled} doubled, {audit.foreign} that do not belong there"
        )
        if audit.lost or audit.doubled or audit.foreign:
            raise DemoFailed("the feeds are not what was posted")
        return audit

    async def setting(self, trained: Trained) -> dict[str, str]:
        """What was run, in words: for the page."""
        size, bundle, objective = self._size, trained.bundle, await self._objective()
        weights = ", ".join(f"{head} {one.w:g}" for head, one in objective.weights.items())
        return {
            "World": f"{size.users:,} people, {size.days:.0f} days of a past; seed {self._seed}",
            "Model": f"{bundle.parent.name}@{bundle.name}, of {len(trained.found):,} impressions",
            "Objective": f"{objective.label}, which weighs {weights}",
        }

    def report(self, figures: DemoFigures, options: DemoOptions) -> None:
        self._title("What it comes to")
        for table in tables(figures):
            self._console.print(table)
        for line in lines(figures):
            self._say(line)
        self._say(f"{figures.wall_s:.0f} s in all; what is assumed of the people: docs/simulation.md")
        if options.json_file is not None:
            options.json_file.write_bytes(to_json(figures))
        options.html_file.write_text(page(figures), encoding="utf-8")
        self._say(f"all of it, with plots: {options.html_file.absolute()}")

    async def _objective(self) -> Objective:
        async with open_stores(self._settings, self._home, self._clock) as stores:
            return (await Objectives(stores.control, self._clock).current()).objective

    async def _drain(self) -> None:
        async with open_stores(self._settings, self._home, self._clock) as stores:
            await await_drained(stores.log, self._clock, self._say)

    async def _beside(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `beside`; given up, it ends when it next has something to say."""
        try:
            return await beside(work, *args, **kwargs)
        except asyncio.CancelledError:
            self._given_up = True
            raise

    def _title(self, text: str) -> None:
        self._console.rule(f"[bold]{text}", align="left")

    def _say(self, text: str) -> None:
        if self._given_up:
            raise DemoFailed("it was given up")
        self._console.print(f"  {text}", soft_wrap=True)
