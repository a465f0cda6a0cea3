"""Whatever happens between ranked pages: nothing twice, nothing skipped, full pages until the end.

`python -m tests.unit.ranking.test_scrolls COUNT` tells that many other scrolls.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import get_args

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.unit.ranking.scroll import AUTHORS, FOLLOWED, Script, Step, StepKind, tell

SCROLLS = 120

_KINDS: tuple[StepKind, ...] = get_args(StepKind)
_author = st.sampled_from(AUTHORS)
_tweet = st.tuples(_author, st.one_of(st.none(), st.none(), st.integers(0, 8)))
# What makes a scroll do without what it knew comes more often.
_step = st.builds(
    Step,
    st.sampled_from((*_KINDS, "expire", "expire", "trim", "follow")),
    st.integers(0, 20),
    st.integers(0, 20),
)
_scripts = st.builds(
    Script,
    tweets=st.lists(_tweet, min_size=16, max_size=40).map(tuple),
    gaps=st.lists(st.lists(_step, max_size=2).map(tuple), min_size=6, max_size=10).map(tuple),
    follows=st.sampled_from([FOLLOWED, FOLLOWED[:2], FOLLOWED[:1], ()]),
    popular=st.lists(st.integers(0, 30), min_size=4, max_size=10).map(tuple),
    limit=st.integers(1, 4),
)

_NETWORK = tuple((author, None) for author in FOLLOWED for _ in range(4))
DIRECTED = (
    # What a lost slate recommended comes back in the tail of the one that took its place.
    Script(
        tweets=((61, None), (21, 0), *_NETWORK),
        gaps=((), (Step("expire"),)),
        popular=(len(_NETWORK),),
        limit=8,
    ),
    # The list was cut above the floor of the slate that is made again.
    Script(tweets=_NETWORK, gaps=((), (Step("trim", b=0), Step("expire"))), limit=2),
    # Everything once: what is drawn may lack some.
    Script(tweets=_NETWORK * 3, gaps=((), *((Step(kind),) for kind in _KINDS)), limit=1),
    Script(
        tweets=tuple((author, None) for author in (61, 62, 63)),
        gaps=((Step("model_fails"),),),
        follows=(),
        popular=(0, 1, 2),
        limit=1,
    ),
)


def _as_before(script: Script) -> Script:
    """The scroll begins in the order that another one had."""
    first, *others = script.gaps
    return replace(script, looked=True, gaps=((*first, Step("breaker_opens")), *others))


def tell_all(
    count: int, scripts: st.SearchStrategy[Script] = _scripts, *, anew: bool = False
) -> Counter[str]:
    """What happened in all of them; raises as `tell`, with a script that is as small as can be."""
    happened: Counter[str] = Counter()
    with ThreadPoolExecutor(1) as executor, asyncio.Runner() as runner:

        @settings(
            max_examples=count,
            deadline=None,
            derandomize=not anew,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(script=scripts)
        @example(DIRECTED[0])
        @example(DIRECTED[1])
        @example(DIRECTED[2])
        @example(DIRECTED[3])
        def scrolls(script: Script) -> None:
            happened.update(runner.run(tell(script, executor)))

        scrolls()
    return happened


def test_nothing_is_shown_twice_nothing_is_skipped_and_pages_are_full() -> None:
    happened = tell_all(SCROLLS)
    wanted = {
        *_KINDS,
        "full page",
        "popular page",
        "chronological page",
        "lost slate",
        "popular",
    }
    assert not wanted - happened.keys(), "not in any of them"


def test_nor_where_a_scroll_begins_in_the_order_of_another_one() -> None:
    assert tell_all(SCROLLS // 2, _scripts.map(_as_before))["cached page"] > SCROLLS


if __name__ == "__main__":
    for name, times in sorted(tell_all(int(sys.argv[1]), anew=True).items()):
        sys.stdout.write(f"{times:8} {name}\n")
