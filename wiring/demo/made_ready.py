"""The demo's first acts: a past to learn from, a model, and what the ranking is for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from core.errors import ConfigurationError
from ranking.objective import Objective, reweighed
from ranking.objectives import Objectives
from ranking.processes import serving_processes
from ranking.registry import Registry
from simulation.client import FeedClient
from simulation.crowd import Crowd
from simulation.past import Past
from simulation.world import make_world
from training.train import Trained, TrainOptions, train_and_judge
from wiring.demo.settled import settle
from wiring.demo.show import DemoShow
from wiring.draining import await_drained
from wiring.importing import import_directory
from wiring.objective_change import apply_objective
from wiring.objective_table import objective_lines
from wiring.redis_settings import opened_redis
from wiring.resources import open_stores
from wiring.simulated import write_past

BY = "the demo"
# The small demo has few of anything: a rough model is better than a constant.
FEW_POSITIVES = 50
# Exactly the weights of the world's truth (docs/simulation.md): what is measured is how well the model
# learns, and not how well a product team guesses what people want.
WEIGHTS = {"click": 1.0, "like": 2.0, "hide": -5.0}
WHY = "a like is worth two clicks, and what is hidden costs five"
_DAY_MS = 86_400_000


async def past(show: DemoShow, client_of: Callable[[int], FeedClient]) -> Crowd:
    """The people, whose past has been imported. Raises ConfigurationError where a demo was here before."""
    show.title(f"A simulated past of {show.size.days:.0f} days, imported")
    directory = show.home.root / "simulated"
    if directory.exists():
        raise ConfigurationError(
            f"a demo has been in {show.home.root} already: its people are there. Name another "
            "RANKFEED_HOME, or none; or delete that one."
        )
    now_ms = show.clock.now_ms()
    world = make_world(show.size.users, show.seed)
    past = Past(world, now_ms - round(show.size.days * _DAY_MS), now_ms)
    rows = await show.beside(write_past, past, directory, show.say)
    show.say(", ".join(f"{number:,} {table}" for table, number in rows.items()))
    async with open_stores(show.settings, show.home, show.clock) as stores:
        await import_directory(stores, show.home, show.clock, directory, show.say)
        settled = await settle(stores.control, past, directory)
        await await_drained(stores.log, show.clock, show.say)
    considered = show.settings.ranking.candidates
    return Crowd(world, settled, client_of, show.clock, considered)


async def training(show: DemoShow) -> Trained:
    """Trains on that past, and promotes."""
    show.title("Training on what was seen and clicked")
    options = TrainOptions(name="home", seed=show.seed, min_positives=FEW_POSITIVES)
    places = show.home.lake, show.home.models
    trained = await show.beside(train_and_judge, *places, options, show.say)
    bundle = trained.bundle
    async with (
        opened_redis(show.settings) as redis,
        open_stores(show.settings, show.home, show.clock) as stores,
    ):
        reports = partial(serving_processes, redis)
        registry = Registry(stores.control, show.home.models, show.clock, reports, by=BY)
        promoted = await registry.promote(bundle.parent.name, bundle.name, "the first model")
    show.say(
        f"promoted {promoted.entry.label}: {promoted.acknowledged} of {promoted.processes} processes run "
        f"it, after {promoted.elapsed_ms:.0f} ms"
    )
    return trained


async def objective(show: DemoShow) -> Objective:
    """Sets what the ranking is for, as `rankfeed objective set` does; returns what applies."""
    show.title("What the ranking is for")
    async with (
        opened_redis(show.settings) as redis,
        open_stores(show.settings, show.home, show.clock) as stores,
    ):
        objectives = Objectives(stores.control, show.clock)
        seen = await objectives.current()
        wanted = replace(reweighed(seen.objective, WEIGHTS), author=BY, reason=WHY)
        reports = partial(serving_processes, redis)
        applied = await apply_objective(objectives, wanted, seen, reports, show.clock, show.say)
    for line in objective_lines(applied):
        show.say(line)
    return applied
