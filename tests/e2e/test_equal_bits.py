"""What a stack served over HTTP, in disorder and with deaths in between, is what its lake gives again."""

from __future__ import annotations

from pathlib import Path

from simulation.world import WorldOptions
from tests.e2e.disorderly_town import served_in_disorder
from tests.e2e.replayed_rows import SAME, replayed


async def test_served_features_have_the_bits_of_the_batch(tmp_path: Path) -> None:
    options = WorldOptions(viewers=8, authors=4, follows=4, seed=7)
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
