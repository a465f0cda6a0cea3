"""Whatever happened: once everything is heard, every feed is the truth, page by page to its end."""

from __future__ import annotations

import os
import secrets

from tests.histories.chunks import chunks, side_by_side
from tests.histories.expectations import shortcomings
from tests.histories.tally import Tally

HISTORIES = 500


def test_every_feed_is_the_truth() -> None:
    # New ones each time; a failure says how to tell the same again.
    whole = Tally()
    for told in side_by_side(chunks(HISTORIES, secrets.randbelow(10**9)), os.cpu_count() or 1):
        assert told.tally is not None, f"{told.failure}\nagain: {told.chunk.again}"
        whole.merge(told.tally)
    assert not shortcomings(whole), "\n".join(whole.rows())
