"""`rankfeed replay` over everything that a stack served, from its files alone."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tests.e2e.command import rankfeed
from training.replayed import ReplayedPage

NO_REDIS = {"RANKFEED_REDIS_URL": "redis://127.0.0.1:1/0"}
"""The address of a Redis that is not there: a replay needs none."""


def replayed_pages(home: Path, *options: str) -> list[ReplayedPage]:
    """Every page with a scored item; fails where one of them could not be replayed at all."""
    file = home / "replay.json"
    done = rankfeed(
        *("replay", "--all", "--sample", "1000000", "--json", str(file), *options),
        home=home,
        environment=NO_REDIS,
    )
    assert done.code in (0, 1), done.err
    assert not done.err, done.err
    return msgspec.json.Decoder(list[ReplayedPage]).decode(file.read_bytes())
