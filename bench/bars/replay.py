"""Scores served over HTTP, against the same ones from record, bundle and objective, bit by bit."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.bars.bar import Result
from bench.bars.equal_bits import ITEMS, PAGES, POSTS, ROUNDS, WORLD
from bench.bars.stacks import run
from tests.e2e.disorderly_town import served_in_disorder
from tests.e2e.replayed_pages import replayed_pages


def measure(arguments: list[str]) -> Result:
    """Simulated viewers read ranked while the objective is changed; then another process, without a stack."""
    with tempfile.TemporaryDirectory(prefix="rankfeed-replay-") as directory:
        home = Path(directory)
        skew, town = run(lambda: served_in_disorder(home, WORLD, posts=POSTS, pages=PAGES, rounds=ROUNDS))
        pages, of_rows = replayed_pages(home), replayed_pages(home, "--from-rows")
    items, items_of_rows = (sum(len(page.items) for page in one) for one in (pages, of_rows))
    equal, equal_of_rows = (
        sum(not item.differs for page in one for item in page.items) for one in (pages, of_rows)
    )
    whole = [page for page in pages if page.slate]
    objectives = sorted({page.objective for page in pages})
    same = sum(not page.slate_differs for page in whole)
    return Result(
        f"scores, multipliers and places of served items, replayed in another process without a stack; "
        f"objectives {', '.join(objectives)}; the pipelines killed {town.kills} times",
        f"{equal:,} of {items:,} items of {len(pages):,} pages have equal bits from features as served, "
        f"{equal_of_rows:,} of {items_of_rows:,} from their rows; {same:,} of {len(whole):,} whole slates "
        "come out in the same order with the same bits",
        f"equal bits, 100 % of ≥ {ITEMS:,} items",
        equal == items == skew.scored
        and equal_of_rows == items_of_rows == items >= ITEMS
        and same == len(whole) > 0
        and len(objectives) > 1,
        seed=str(WORLD.seed),
    )
