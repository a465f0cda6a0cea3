"""Histories that are told again each time: what they taught, or how short one is that matters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.histories.interruption import Fault
from tests.histories.machine import Script
from tests.histories.steps import (
    Change,
    Delete,
    Flush,
    FollowCrowd,
    Hear,
    Post,
    Read,
    Redeliver,
    Release,
    Retweet,
)
from tests.histories.telling import Teller, teller

SCRIPTS: dict[str, Script] = {
    # Each of the crowd is merged into the list, and the list is shorter than the crowd.
    "seventeen are followed in a row": Script(
        ((0, 1),), (1, 1, 1), (Read(0), FollowCrowd(0), Hear(), Post(1, 4), Hear(), Read(0, pages=3))
    ),
    # The list that a dead builder left behind is pushed to, and is not the whole.
    "a builder dies": Script(
        ((0, 1), (0, 2)),
        (1, 2, 1, 2, 1, 2),
        (Read(0, fault=Fault("died", 8)), Redeliver(0, 1), Hear(), Read(0, pages=2)),
    ),
    # A reader stands still over a deletion, a flush and a block, and fills the caches after all of them.
    "a reader is late for everything": Script(
        ((0, 1), (0, 2)),
        (1, 2, 1, 2),
        (
            Read(0, fault=Fault("held", 15)),
            Delete(0),
            Flush(),
            Change("block", True, 2, 0),
            Hear(),
            Release(),
            Read(0, pages=2),
        ),
    ),
    # Of four retweets the newest stands for all, until its author is muted, and then the next.
    "who retweeted last is muted": Script(
        ((0, 1), (0, 2), (0, 3)),
        (4, 1, 2, 3),
        (
            Read(0),
            *(Retweet(who, 3) for who in (1, 2, 3)),
            Hear(),
            Read(0, pages=2),
            Change("mute", True, 0, 2),
        ),
    ),
    # The first is a tweet already and was not answered yet; the second is answered with it.
    "a retweet comes again before its first answer": Script(
        ((0, 1), (1, 0)),
        (0,),
        (Retweet(1, 0, fault=Fault("held", 10)), Retweet(1, 0), Read(0), Release(), Read(0)),
    ),
    # One process is ahead by more than lies between the steps: who undoes what was done there is obeyed.
    "what a clock ahead has done is undone": Script(
        ((0, 1), (0, 2), (0, 3)),
        (1, 2, 3),
        (
            Change("like", True, 0, 0, via=1),
            Change("like", False, 0, 0),
            Change("follow", True, 0, 3, via=1),
            Change("follow", False, 0, 3),
            Change("mute", True, 0, 1, via=1),
            Change("mute", False, 0, 1),
            Change("block", True, 0, 0, via=1),
            Change("block", False, 0, 0, via=1),
            Change("block", True, 0, 0),
            Change("block", False, 0, 0, via=1),
            Change("follow", True, 0, 0),
        ),
        skew_ms=400,
    ),
}


@pytest.fixture(scope="module")
def one() -> Iterator[Teller]:
    with teller() as found:
        yield found


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_ends_with_the_truth(one: Teller, name: str) -> None:
    one.tell(SCRIPTS[name])
