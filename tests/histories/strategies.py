"""Which histories there are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from hypothesis import strategies as st

from tests.histories.interruption import Fault
from tests.histories.machine import Script
from tests.histories.sizes import PEOPLE
from tests.histories.steps import (
    Change,
    Consume,
    Delete,
    Drain,
    Expire,
    Flush,
    FollowCrowd,
    Hear,
    Post,
    Read,
    Redeliver,
    Release,
    Replay,
    Reply,
    Retweet,
    Step,
)

MIN_STEPS = 26
MAX_STEPS = 50

_person = st.integers(0, PEOPLE - 1)
# Few read much: what happens to a list shows where somebody reads it again.
_viewer = st.sampled_from((0, 0, 0, 1, 1, 2, 3, 4, 5))
# The newest tweets are what things happen to.
_tweet = st.one_of(st.integers(0, 5), st.integers(0, 30))
_via = st.integers(0, 1)
_consumer = st.integers(0, 3)

_CALLS = 16
"""As many ports does a first page ask that finds no list."""

FAULTS = st.builds(
    Fault,
    kind=st.sampled_from(("died", "away", "held")),
    call=st.integers(1, _CALLS),
    after=st.booleans(),
)
MAYBE_FAULT = st.one_of(st.none(), st.none(), st.none(), FAULTS)


def change(
    kind: str,
    on: bool,
    *,
    who: st.SearchStrategy[int] = _viewer,
    fault: st.SearchStrategy[Fault | None] = MAYBE_FAULT,
) -> st.SearchStrategy[Step]:
    b = _tweet if kind == "like" else _person
    return st.builds(Change, kind=st.just(kind), on=st.just(on), a=who, b=b, fault=fault, via=_via)


STEPS: Mapping[str, st.SearchStrategy[Step]] = {
    "post": st.builds(Post, _person, st.integers(1, 4), _via, st.booleans(), MAYBE_FAULT),
    "reply": st.builds(Reply, _person, _tweet, _via, st.booleans(), MAYBE_FAULT),
    "retweet": st.builds(Retweet, _person, _tweet, _via, st.booleans(), MAYBE_FAULT),
    "delete": st.builds(Delete, _tweet, MAYBE_FAULT),
    "like": change("like", True),
    "unlike": change("like", False),
    "follow": change("follow", True),
    "unfollow": change("follow", False),
    "block": change("block", True),
    "unblock": change("block", False),
    "mute": change("mute", True),
    "unmute": change("mute", False),
    "like interrupted": change("like", True, fault=FAULTS),
    "follow crowd": st.builds(FollowCrowd, _viewer),
    "read": st.builds(Read, _viewer, st.integers(1, 3), _via, st.just(False), MAYBE_FAULT),
    "read interrupted": st.builds(Read, _viewer, st.just(1), _via, st.booleans(), FAULTS),
    "refresh": st.builds(Read, _viewer, st.just(1), _via, st.just(True), MAYBE_FAULT),
    "consume": st.builds(
        Consume, _consumer, st.lists(st.integers(0, 5), min_size=1, max_size=8).map(tuple), MAYBE_FAULT
    ),
    "redeliver": st.builds(Redeliver, _consumer, st.integers(1, 4)),
    "replay": st.builds(Replay, _consumer),
    "drain": st.just(Drain()),
    "flush": st.just(Flush()),
    "expire": st.builds(Expire, st.integers(0, 60)),
    "hear": st.just(Hear()),
    "release": st.just(Release()),
}
WEIGHTS: Mapping[str, int] = {
    "post": 4,
    "read": 7,
    "consume": 4,
    "drain": 2,
    "hear": 2,
    "retweet": 2,
    "follow": 2,
    "redeliver": 3,
    "replay": 3,
    "flush": 2,
    "expire": 2,
    "follow crowd": 2,
    "block": 2,
    "mute": 2,
}
SOMETIMES = frozenset({"follow crowd", "refresh", "redeliver", "replay", "flush", "expire", "block", "mute"})
"""Steps of which a history may have none at all: after each of them much begins anew."""


@lru_cache(maxsize=1024)
def _any_of(names: frozenset[str]) -> st.SearchStrategy[Step | None]:
    # By name: `one_of` takes a strategy that is there several times as if it were there once.
    drawn = [name for name in sorted(names) for _ in range(WEIGHTS.get(name, 1))]
    return st.sampled_from([None, *drawn]).flatmap(lambda name: st.none() if name is None else STEPS[name])


@st.composite
def scripts(draw: st.DrawFn, steps: st.SearchStrategy[Step] | None = None) -> Script:
    """Histories of these steps, or of all; then each has only some of those that are there sometimes."""
    # Hypothesis makes a failing history simpler by making nothing of a step, which is the simplest one.
    step: st.SearchStrategy[Step | None]
    if steps is None:
        absent = draw(st.frozensets(st.sampled_from(sorted(SOMETIMES))))
        step = _any_of(frozenset(STEPS) - absent)
    else:
        step = st.one_of(st.none(), steps)
    pairs = st.tuples(_person, _person).filter(lambda pair: pair[0] != pair[1])
    taken = draw(st.lists(step, min_size=MIN_STEPS, max_size=MAX_STEPS))
    return Script(
        follows=tuple(draw(st.lists(pairs, unique=True, min_size=6, max_size=24))),
        tweets=tuple(draw(st.lists(_person, max_size=16))),
        steps=tuple(step for step in taken if step is not None),
        skew_ms=draw(st.sampled_from((0, -60, 45))),
        followers_mb=draw(st.sampled_from((1, 0))),
    )
