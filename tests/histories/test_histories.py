"""Whatever happened: once everything is heard, every feed is the truth, page by page to its end."""

from __future__ import annotations

import os

from tests.histories.chunks import chunks, side_by_side
from tests.histories.expectations import shortcomings
from tests.histories.tally import Tally

HISTORIES = 500
SEED = 20_261_121


def test_every_feed_is_the_truth() -> None:
    # The same ones each time; `make histories` tells others. A failure says how to tell it again.
    whole = Tally()
    for told in side_by_side(chunks(HISTORIES, SEED), os.cpu_count() or 1):
        assert told.tally is not None, f"{told.failure}\nagain: {told.chunk.again}"
        whole.merge(told.tally)
    assert not shortcomings(whole), "\n".join(whole.rows())
