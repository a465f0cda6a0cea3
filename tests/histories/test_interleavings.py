"""One operation stands still at each of its calls of a port, in turn, while another runs from end to end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.histories.interruption import Fault
from tests.histories.machine import Script
from tests.histories.steps import Change, Consume, Delete, Flush, Hear, Post, Read, Release, Retweet, Step
from tests.histories.telling import Teller, teller

# Some two thousand histories.
pytestmark = pytest.mark.torture

CALLS = 14
"""As many ports does a first page ask that finds nothing cached; the other operations ask fewer."""
FOLLOWS = ((0, 1), (0, 2), (1, 0))
TWEETS = (1, 2, 0, 1, 2, 0, 1, 2, 1, 2)

Interruptible = Read | Change | Retweet | Delete | Consume

WHO_STANDS_STILL: dict[str, tuple[tuple[Step, ...], Interruptible]] = {
    "first page": ((), Read(0)),
    "merge": ((Read(0),), Read(0, refresh=True)),
    "follow": ((Read(0), Read(3)), Change("follow", True, 0, 2)),
    "unfollow": ((Read(0),), Change("follow", False, 0, 0)),
    "block": ((Read(0), Read(1)), Change("block", True, 0, 0)),
    "retweet": ((Read(0),), Retweet(1, 3)),
    "delete": ((Read(0),), Delete(0)),
    "fan-out": ((Read(0), Post(1, 3), Change("follow", True, 0, 2)), Consume(0, (0, 1, 0, 1, 2, 0))),
    "tweet state": ((Read(0), Delete(0), Change("like", True, 0, 1)), Consume(1, (0, 1, 0, 1))),
}
WHO_RUNS: dict[str, Step] = {
    "first page": Read(0, pages=2),
    "follow": Change("follow", True, 0, 2),
    "unfollow": Change("follow", False, 0, 0),
    "post": Post(1, 2),
    "delete": Delete(0),
    "block": Change("block", True, 1, 0),
    "flush": Flush(),
}


@pytest.fixture(scope="module")
def one() -> Iterator[Teller]:
    with teller() as found:
        yield found


@pytest.mark.parametrize("runs", WHO_RUNS)
@pytest.mark.parametrize("stands", WHO_STANDS_STILL)
def test_whoever_stands_still_anywhere_does_no_harm(one: Teller, stands: str, runs: str) -> None:
    before, held = WHO_STANDS_STILL[stands]
    for call in range(1, CALLS):
        for after in (False, True):
            fault = Fault("held", call, after)
            steps = (*before, _with(held, fault), WHO_RUNS[runs], Hear(), Release(), Read(0, pages=2))
            if not one.tell(Script(FOLLOWS, TWEETS, steps))["held"]:
                # It asks no further.
                return


def _with(step: Interruptible, fault: Fault) -> Step:
    return replace(step, fault=fault)
