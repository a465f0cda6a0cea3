"""Features as they were served over HTTP, against the same ones from the lake alone, bit by bit."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.bars.bar import Result
from bench.bars.stacks import run
from simulation.townsfolk import TownOptions
from tests.e2e.disorderly_town import served_in_disorder
from tests.e2e.replayed_rows import SAME, replayed

ITEMS = 5_000
WORLD = TownOptions(viewers=40, authors=15, follows=8, seed=1)
POSTS, PAGES, ROUNDS = 14, 5, 4


def measure(arguments: list[str]) -> Result:
    """Pipelines killed twice, reports repeated, and some told late; then stack and Redis are gone."""
    with tempfile.TemporaryDirectory(prefix="rankfeed-bits-") as directory:
        skew, town = run(
            lambda: served_in_disorder(Path(directory), WORLD, posts=POSTS, pages=PAGES, rounds=ROUNDS)
        )
        rows = replayed(Path(directory) / "lake")
    differing = ", ".join(one.feature for one in skew.features if one.unequal) or "none"
    return Result(
        f"served features against the lake alone, over HTTP; {town.reported:,} reports, {town.again:,} "
        f"twice, {town.late:,} late; the pipelines killed {town.kills} times",
        f"{skew.equal:,} of {skew.compared:,} items of {skew.requests:,} requests have equal bits in "
        f"{len(skew.features)} features (unequal: {differing}); {skew.lost + skew.not_yet} without rows; "
        f"{rows.rows:,} newest rows against the lake's events: {rows.recounted} of another count, "
        f"values apart by {rows.furthest:.1g} of themselves at most",
        f"equal bits, 100 % of ≥ {ITEMS:,} items; every event counted once",
        skew.equal == skew.compared >= ITEMS
        and not skew.lost + skew.not_yet + rows.recounted
        and rows.furthest < SAME
        and town.kills > 0,
        seed=str(WORLD.seed),
    )
