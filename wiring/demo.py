"""The demo: a small world on a real stack, told act by act."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from core.clock import SystemClock
from core.errors import RankfeedError
from core.ids import TweetId
from ranking.processes import serving_processes
from ranking.registry import Registry
from simulation.town import Posted, Town
from simulation.world import TOPICS, World, WorldOptions
from training.train import TrainOptions, train
from wiring.demo_kept import keep, token
from wiring.draining import await_drained
from wiring.home import Home, StackState
from wiring.keys import stack_keys
from wiring.redis_settings import opened_redis
from wiring.resources import open_stores
from wiring.settings import Settings, overlaid

FIRST_USER = 1_000_001
TOP = 10
SHOWN = 8
PIPE_WIDTH = 140
# The demo's whole history is seconds long: a click counts within a second of its impression, and
# replayed features lag behind by what this stack's own pipeline does.
WINDOW_S = 1.0
LAG_S = 1.0
# The small demo has few of anything: a rough model is better than a constant.
FEW_POSITIVES = 50
CALL_TIMEOUT_S = 30.0
COUNTED_WITHIN_S = 30.0
KEPT_ALIVE_S = 2.0


class DemoFailed(RankfeedError):
    """Something that the demo checks did not hold."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    small: bool
    keep: bool
    seed: int


@dataclass(frozen=True, slots=True)
class _Size:
    world: WorldOptions
    posts: tuple[int, int, int]
    pages: int
    probes: int


def _size(options: DemoOptions) -> _Size:
    if options.small:
        return _Size(WorldOptions(40, 12, 6, options.seed), (10, 8, 6), 4, 5)
    return _Size(WorldOptions(120, 30, 10, options.seed), (14, 10, 8), 6, 20)


async def run_demo(settings: Settings, home: Home, state: StackState, options: DemoOptions) -> None:
    """Raises DemoFailed where a tweet was lost or shown twice, or nothing was served as ranked."""
    settings = overlaid(settings, state.settings)
    clock, size = SystemClock(), _size(options)
    console = Console(highlight=False)
    if not console.is_terminal:
        # A pipe has no width of its own; the two feeds need this much to stand side by side.
        console = Console(highlight=False, width=PIPE_WIDTH)
    keys = stack_keys(home)

    def token_of(user_id: int) -> str:
        return token(keys, settings, user_id, clock.now_ms() // 1000)

    # Given up before the server does: it ends idle connections after 5 s, and a call might meet that.
    limits = httpx.Limits(max_connections=32, keepalive_expiry=KEPT_ALIVE_S)
    async with httpx.AsyncClient(base_url=state.api_url, timeout=CALL_TIMEOUT_S, limits=limits) as http:
        town = Town(World(size.world), http, token_of, clock, FIRST_USER)
        act = _Acts(settings, home, console, clock, town, size)
        await act.people()
        await act.posts_and_reads()
        await act.training()
        await act.comparison()
        await act.reactions()
        await act.audit()
        if options.keep:
            keep(console, state, town, token_of(town.viewer_id(0)))
            await asyncio.Event().wait()


class _Acts:
    def __init__(
        self,
        settings: Settings,
        home: Home,
        console: Console,
        clock: SystemClock,
        town: Town,
        size: _Size,
    ) -> None:
        self._settings = settings
        self._home = home
        self._console = console
        self._clock = clock
        self._town = town
        self._size = size

    async def people(self) -> None:
        world = self._size.world
        self._title("People")
        await self._town.sign_up()
        follows = sum(len(authors) for authors in self._town.world.follows)
        self._say(f"{world.viewers} viewers and {world.authors} authors signed up; {follows} follows")

    async def posts_and_reads(self) -> None:
        self._title("Posts, reads and clicks, over HTTP")
        for number, per_author in enumerate(self._size.posts[:2]):
            posted = await self._town.post_round(per_author)
            waits = [await self._town.time_to_feed(viewer) for viewer in range(self._size.probes)]
            median_ms, worst_ms = 1000 * float(np.median(waits)), 1000 * max(waits)
            self._say(
                f"round {number + 1}: {len(posted)} tweets posted; post to a follower's feed "
                f"{median_ms:.0f} ms in the median, {worst_ms:.0f} ms at worst of {len(waits)}"
            )
            reading = await self._town.read_round(algorithm="chronological", pages=self._size.pages)
            self._say(
                f"round {number + 1}: {reading.seen:,} items seen in time order, {reading.clicks:,} clicked "
                f"({reading.clicks / max(1, reading.seen):.0%}), {reading.requests} requests"
            )
            await self._drain()

    async def training(self) -> None:
        self._title("Training on what was seen and clicked")
        # A label is ripe once the log is complete to the end of its window: somebody reads on meanwhile.
        await asyncio.sleep(WINDOW_S)
        await self._town.read_round(algorithm="chronological", pages=1)
        await self._drain()
        options = TrainOptions(
            name="home",
            lag_s=LAG_S,
            windows_s={"click": WINDOW_S},
            seed=1,
            min_positives=FEW_POSITIVES,
        )
        bundle = await asyncio.to_thread(train, self._home.lake, self._home.models, options, self._say)
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

    async def comparison(self) -> None:
        self._title("Chronological beside ranked")
        await self._town.post_round(self._size.posts[2])
        await self._drain()
        chronological, _ = await self._town.utility("chronological", TOP)
        ranked, served = await self._town.utility("ranked", TOP)
        if not served:
            page = await self._town.client_of(0).feed(algorithm="ranked", limit=TOP)
            raise DemoFailed(f"no feed was served ranked; meta says {page['meta']}")
        best = self._town.best_utility(self._settings.ranking.candidates, TOP)
        await self._side_by_side(int(np.argmax(np.array(ranked) - np.array(chronological))))
        gain = np.array(ranked) - np.array(chronological)
        half_width = 1.96 * float(gain.std(ddof=1)) / len(gain) ** 0.5
        means = [float(np.mean(one)) for one in (chronological, ranked, best)]
        share = (means[1] - means[0]) / (means[2] - means[0])
        self._say(
            f"expected clicks on a viewer's first {TOP}, by the simulation's own truth: chronological "
            f"{means[0]:.2f}, ranked {means[1]:.2f}, the best order of whom they follow {means[2]:.2f}"
        )
        self._say(
            f"gain {gain.mean():+.2f} ± {half_width:.2f} a viewer (95 %, {len(gain)} viewers): "
            f"{share:.0%} of what such an order could gain; {served} of {len(ranked)} feeds served ranked"
        )

    async def reactions(self) -> None:
        self._title("Likes, replies, retweets and deletions")
        reacted = await self._town.react()
        self._say(
            f"{reacted.likes:,} likes and {reacted.taken_back} taken back, {reacted.replies} replies, "
            f"{reacted.retweets} retweets; {reacted.deleted} tweets deleted by their authors"
        )
        reactions = self._town.reactions
        waited_s = await reactions.counts_agree(self._town.client_of(0), COUNTED_WITHIN_S)
        if waited_s is None:
            raise DemoFailed(f"after {COUNTED_WITHIN_S:.0f} s the counts are not what was acknowledged")
        self._say(
            f"the counts of {reactions.touched} tweets are what was acknowledged, {waited_s:.1f} s afterwards"
        )

    async def audit(self) -> None:
        self._title("Nothing lost, nothing doubled")
        audit = await self._town.audit()
        self._say(
            f"{audit.feeds} feeds read to their end, {audit.items:,} items: {audit.lost} lost, "
            f"{audit.doubled} doubled, {audit.foreign} that do not belong there"
        )
        if audit.lost or audit.doubled or audit.foreign:
            raise DemoFailed("the feeds are not what was posted")

    async def _side_by_side(self, viewer: int) -> None:
        client = self._town.client_of(viewer)
        left = await client.feed(algorithm="chronological", limit=SHOWN)
        right = await client.feed(algorithm="ranked", limit=SHOWN)
        likes = np.argsort(self._town.world.interests[viewer])[::-1]
        table = Table(
            title=f"viewer_{viewer}, who likes {TOPICS[likes[0]]} and {TOPICS[likes[1]]} "
            f"and does not care for {TOPICS[likes[-1]]}",
            caption="% is the chance of a click, which the product does not know",
        )
        table.add_column("#", justify="right")
        for name, page in (("chronological", left), (f"ranked by {right['meta']['model']}", right)):
            table.add_column("%", justify="right")
            table.add_column(f"{name} ({page['meta']['rung']})", overflow="ellipsis", no_wrap=True)
        for place, pair in enumerate(zip(left["tweets"], right["tweets"], strict=True)):
            cells = [str(place + 1)]
            for tweet in pair:
                posted: Posted = self._town.posted[TweetId(int(tweet["tweet_id"]))]
                chance = self._town.world.click_probability(viewer, posted.draft)
                cells += [f"{100 * chance:.0f}", f"{tweet['text']} · {tweet['author']['display_name']}"]
            table.add_row(*cells)
        self._console.print(table)

    async def _drain(self) -> None:
        async with open_stores(self._settings, self._home, self._clock) as stores:
            await await_drained(stores.log, self._clock, self._say)

    def _title(self, text: str) -> None:
        self._console.rule(f"[bold]{text}", align="left")

    def _say(self, text: str) -> None:
        self._console.print(f"  {text}", soft_wrap=True)
