"""Each viewer gets all of their ids, in the order in which they were offered, in one command."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stores.redis_commands import command
from stores.redis_spread import KeyTemplate
from timelines.bundles import Share, bundled
from timelines.layout import timeline_key

SHARES = st.lists(st.lists(st.integers(1, 8), unique=True, max_size=8), max_size=6)


def share(viewers: list[int], tweet: int) -> Share:
    template = KeyTemplate(b"LPUSHX", [timeline_key(viewer) for viewer in viewers])
    return Share(np.array(viewers, np.int64), template.prefixes, tweet)


@given(SHARES)
def test_bundles_are_what_was_offered(offered: list[list[int]]) -> None:
    wanted: dict[int, list[int]] = {}
    for tweet, viewers in enumerate(offered, 100):
        for viewer in viewers:
            wanted.setdefault(viewer, []).append(tweet)
    bundles = bundled([share(viewers, tweet) for tweet, viewers in enumerate(offered, 100)])
    if bundles is None:
        assert len(offered) < 2 or len(wanted) >= 0.9 * sum(map(len, offered))
        return
    assert bundles.viewers.tolist() == sorted(wanted)
    assert bundles.counts.tolist() == [len(wanted[viewer]) for viewer in sorted(wanted)]
    assert bundles.commands == [
        command(b"LPUSHX", timeline_key(viewer), *wanted[viewer]).packed for viewer in sorted(wanted)
    ]


def test_who_gets_one_each_is_left_as_they_are() -> None:
    assert bundled([]) is None
    assert bundled([share([1, 2], 100)]) is None
    assert bundled([share([1, 2], 100), share([3, 4], 101)]) is None
    assert bundled([share([], 100), share([], 101)]) is None


def test_a_viewer_may_have_hundreds() -> None:
    bundles = bundled([share([7], tweet) for tweet in range(1_000, 1_500)])
    assert bundles is not None
    assert bundles.commands == [command(b"LPUSHX", timeline_key(7), *range(1_000, 1_500)).packed]
