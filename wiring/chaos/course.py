"""Faults one after the other, each waited for until ranked feeds are what they were."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from ranking.faults import FaultName
from wiring.chaos.act import ChaosAct, FaultSpan
from wiring.chaos.faults import SAID, Chaos
from wiring.chaos.watch import Watch

PATIENCE_S = 30.0
"""The breaker stays open for 2 s and features are written anew: this is far beyond what either takes."""


class Planned(NamedTuple):
    name: FaultName
    for_s: float


async def run_course(
    chaos: Chaos, watch: Watch, plan: Sequence[Planned], say: Callable[[str], None], *, changes_only: bool
) -> ChaosAct:
    """What became of ranked feeds; every page is asked for and answered while this runs.

    Cancelled, it ends the fault at once. Raises NotFull where feeds were not ranked in full before, or are
    not again within 30 s; and as `Chaos.give`.
    """
    watching = [
        asyncio.create_task(watch.run()),
        asyncio.create_task(watch.narrate(say, changes_only=changes_only)),
    ]
    try:
        await watch.full_again(PATIENCE_S)
        faults = []
        for name, for_s in plan:
            say(f"{SAID[name]}, for {for_s:g} s")
            began_s, refused = watch.now_s(), watch.refused
            try:
                await chaos.give(name, for_s)
            except asyncio.CancelledError:
                say(chaos.given_up())
                raise
            ended_s = watch.now_s()
            say("that is over")
            watch.forget_calm()
            full_again_s = await watch.full_again(PATIENCE_S)
            faults.append(FaultSpan(name, began_s, ended_s, full_again_s, watch.refused - refused))
            say("ranked in full again")
        return ChaosAct(watch.rungs, faults, watch.refused, watch.now_s())
    finally:
        for task in watching:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
