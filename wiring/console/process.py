"""The console process: what the API opens, to look at and not to serve by.

It ranks with the API's own code and neither records nor pins anything, mints no ids, and says nothing of
itself in Redis: nobody waits for it when a model is promoted.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog

from console.app import create_console
from console.backend import Backend
from console.metrics import Scraper
from console.vitals import NAMES, Sources, Vitals
from core.clock import SystemClock
from eventlog.log import EventLog
from ranking.explain import DEADLINE_MS, Explainer
from ranking.model_slot import ModelSlot
from ranking.objective_slot import ObjectiveSlot
from ranking.processes import Reports, follow_unseen, poll_each, serving_processes
from ranking.registry import Registry
from wiring.console.access import access_of
from wiring.draining import GROUPS
from wiring.environment import overlaid, variable_of
from wiring.home import Home
from wiring.process import serve_http
from wiring.ranking_parts import make_ranking
from wiring.redis_settings import opened_redis
from wiring.resources import open_stores
from wiring.settings import Settings

BY = "the console"
OWN = {
    # Slow is no failure here: on a busy machine it would be all that there is to see.
    variable_of(("ranking", "slow_ms")): str(round(DEADLINE_MS)),
    variable_of(("ranking", "target_ms")): str(round(DEADLINE_MS)),
    variable_of(("ranking", "threads")): "1",
}
"""What is set otherwise where a feed is only looked at; none of it changes the order."""

_logger = structlog.get_logger("console")


async def run_console(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    """Serves the pages until `stop`."""
    clock, home = SystemClock(), Home(settings.home)
    async with (
        opened_redis(settings) as redis,
        open_stores(settings, home, clock) as stores,
        Scraper(NAMES) as scraper,
    ):
        slot = ModelSlot(stores.control, home.models, clock)
        objective = ObjectiveSlot(stores.control, slot.current)
        followed = (slot, objective)
        reports = partial(serving_processes, redis)
        with ThreadPoolExecutor(1, thread_name_prefix="score") as executor:
            parts = make_ranking(
                overlaid(settings, OWN),
                stores,
                redis,
                clock,
                slot.current,
                objective.current,
                executor,
                random.Random(),
            )
            backend = Backend(
                clock=clock,
                users=stores.users,
                explainer=Explainer(
                    parts.timelines, parts.pipeline, parts.users, clock, settings.ranking.candidates
                ),
                models=home.models,
                registry=Registry(stores.control, home.models, clock, reports, by=BY),
                vitals=Vitals(_sources(home, reports, stores.log, scraper), clock),
            )
            await poll_each(followed)
            app = create_console(backend, access_of(settings))
            _logger.info("console_started", address=listener.getsockname()[:2])
            ending = asyncio.Event()
            async with asyncio.TaskGroup() as background:
                background.create_task(follow_unseen(followed, ending))
                background.create_task(backend.vitals.run(ending))
                try:
                    await serve_http(app, listener, stop, lifespan="on")
                finally:
                    ending.set()


def _sources(home: Home, reports: Reports, log: EventLog, scraper: Scraper) -> Sources:
    def metrics_urls() -> Mapping[str, str]:
        state = home.state()
        return {} if state is None else state.metrics_urls

    async def lag() -> Mapping[str, Mapping[str, int]]:
        return {group: await log.lag(group, topics) for group, topics in GROUPS.items()}

    return Sources(reports, metrics_urls, lag, scraper.read, socket.gethostname())
