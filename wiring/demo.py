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
from rich.console import Console

from core.clock import SystemClock
from core.errors import ConfigurationError, RankfeedError
from ranking.bundle import MANIFEST_FILE, Metric, decode_manifest
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
from training.train import TrainOptions, train
from wiring.chaos import ALLOWED
from wiring.chaos_act import ChaosAct
from wiring.demo_chaos import act_of_chaos
from wiring.demo_feeds import side_by_side
from wiring.demo_kept import keep, token
from wiring.demo_report import DemoFigures
from wiring.draining import await_drained
from wiring.home import Home, StackState
from wiring.importing import import_directory
from wiring.interrupted import beside
from wiring.keys import stack_keys
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
_DAY_MS = 86_400_000


class DemoFailed(RankfeedError):
    """Something that the demo checks did not hold."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    small: bool
    keep: bool
    seed: int
    json_file: Path | None
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
        metrics = await acts.training()
        post_ms = await acts.posting(crowd)
        lift = await acts.visits(crowd)
        chaos = await acts.chaos(crowd, state, lambda user_id: FeedClient(http, token_of(user_id)))
        judgement = await acts.comparison(crowd)
        await acts.reactions(crowd)
        audit = await acts.audit(crowd)
        wall_s = time.monotonic() - options.began_s
        figures = DemoFigures(lift, judgement, metrics, crowd.pages, post_ms, audit, wall_s, chaos)
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

    async def training(self) -> list[Metric]:
        self._title("Training on what was seen and clicked")
        options = TrainOptions(name="home", seed=self._seed, min_positives=FEW_POSITIVES)
        bundle = await self._beside(train, self._home.lake, self._home.models, options, self._say)
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
        return decode_manifest((bundle / MANIFEST_FILE).read_bytes()).metrics

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

    async def comparison(self, crowd: Crowd) -> Judgement:
        self._title("Chronological beside ranked")
        if not crowd.pages.served_ranked:
            page = await crowd.viewers[0].client.feed(algorithm="ranked")
            raise DemoFailed(f"no feed was served ranked; meta says {page['meta']}")
        judgement = await judge(crowd, self._size.judged, self._seed)
        self._console.print(await side_by_side(crowd, judgement.most))
        return judgement

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

    def report(self, figures: DemoFigures, options: DemoOptions) -> None:
        self._title("What it comes to")
        for table in figures.tables():
            self._console.print(table)
        for line in figures.lines():
            self._say(line)
        self._say(f"{figures.wall_s:.0f} s in all; what is assumed of the people: docs/simulation.md")
        if options.json_file is not None:
            options.json_file.write_bytes(figures.to_json())

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
