"""What a stack served over HTTP, in disorder and with deaths in between, is what its lake gives again."""

from __future__ import annotations

from pathlib import Path

from simulation.townsfolk import TownOptions
from tests.e2e.command import rankfeed
from tests.e2e.disorderly_town import served_in_disorder
from tests.e2e.replayed_pages import NO_REDIS, replayed_pages
from tests.e2e.replayed_rows import SAME, replayed


async def test_served_features_have_the_bits_of_the_batch(tmp_path: Path) -> None:
    options = TownOptions(viewers=8, authors=4, follows=4, seed=7)
    skew, town = await served_in_disorder(tmp_path, options, posts=12, pages=2, rounds=2)
    assert skew.compared >= 200
    assert (skew.equal, skew.lost, skew.not_yet) == (skew.compared, 0, 0), skew
    # It was as disorderly as it is meant to be.
    assert town.again > 0
    assert town.late > 0
    # And the rows themselves are what the lake's events come to, each counted once.
    rows = replayed(tmp_path / "lake")
    assert rows.rows > 50
    assert rows.recounted == 0
    assert rows.furthest < SAME
    # So are the scores, from the rows as well: each page by the objective that it was ranked by.
    pages = replayed_pages(tmp_path, "--from-rows")
    assert sum(len(page.items) for page in pages) == skew.compared
    assert all(page.equal for page in pages), [page for page in pages if not page.equal][:1]
    assert {page.objective for page in pages} == {"engagement@1", "freshness@2"}
    assert any(page.slate for page in pages)
    (one, *_) = (page for page in pages if page.objective == "freshness@2" and page.items[0].freshness < 1)
    told = rankfeed("replay", one.request_id, home=tmp_path, environment=NO_REDIS)
    assert (told.code, told.err) == (0, "")
    assert f"{len(one.items)} of {len(one.items)} items have equal bits" in told.out
