"""For each planted bug the histories that lead to it: the same steps, of those that it takes, more often."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.histories import planted
from tests.histories.interruption import Fault, Kind
from tests.histories.steps import Consume, Delete, Read, Step
from tests.histories.strategies import FAULTS, STEPS, change


@dataclass(frozen=True, slots=True)
class Directed:
    """`plant` breaks one thing for as long as its context lasts; `steps` bring that about."""

    plant: Callable[[], AbstractContextManager[Any]]
    steps: SearchStrategy[Step]

    @property
    def name(self) -> str:
        return self.plant.__name__


def _of(*steps: str | SearchStrategy[Step]) -> SearchStrategy[Step]:
    return st.one_of([STEPS[step] if isinstance(step, str) else step for step in steps])


def _fault(kind: Kind, *calls: tuple[int, bool]) -> SearchStrategy[Fault]:
    """At one of these calls of a port, before it or after."""
    return st.sampled_from([Fault(kind, call, after) for call, after in calls])


_ONE = st.just(0)
_PICKS = st.lists(st.integers(0, 5), min_size=1, max_size=4).map(tuple)
_READ = st.builds(Read, _ONE, pages=st.integers(1, 3))
# What a page of a cold list asks: the list; a token, who is hidden and the filling of their cache; the
# lock, the list made sure of, the same three for the followees, the store, the swap; what is cached of the
# tweets, their bodies, their counts, and the filling of that. With what is cached and a merge asked for:
# the list, and from the lock on. Of a list that is there: the list, the three for the followees, and then
# those for who is hidden.
_BUILDER_DIES = st.builds(Read, _ONE, fault=_fault("died", (6, True), (8, True), (11, False)))
_MERGE_HELD = st.builds(Read, _ONE, refresh=st.just(True), fault=_fault("held", (7, True), (8, False)))
_FILL_HELD = st.builds(Read, _ONE, fault=_fault("held", (3, True), (4, False)))
_BODIES_HELD = st.builds(Read, _ONE, fault=_fault("held", (14, True), (15, False)))
_DIES_AT_ONCE = st.builds(Consume, st.just(0), _PICKS, fault=_fault("died", (1, False), (2, False)))

DIRECTED: tuple[Directed, ...] = (
    Directed(
        planted.half_built_counts_as_complete, _of("post", "hear", "redeliver", "flush", _READ, _BUILDER_DIES)
    ),
    Directed(planted.trim_goes_by_arrival, _of("post", "read", "hear", "redeliver", "replay")),
    Directed(planted.merge_drops_arrivals, _of("post", "hear", _READ, _MERGE_HELD)),
    Directed(planted.follow_brings_no_past, _of("post", "read", "follow", "hear")),
    Directed(planted.follow_takes_the_whole_list, _of("post", "read", "follow", "hear")),
    Directed(
        planted.late_readers_fill_the_cache,
        _of(
            *(change("follow", on, who=_ONE, fault=st.none()) for on in (True, False)),
            *(_READ, _FILL_HELD, "hear"),
        ),
    ),
    Directed(
        planted.fills_go_over_tombstones,
        _of("flush", "release", st.builds(Delete, st.integers(0, 3)), _READ, _BODIES_HELD),
    ),
    Directed(planted.commit_before_the_work, _of("post", "read", "consume", _DIES_AT_ONCE)),
    Directed(planted.has_more_after_every_full_page, _of("post", "read", "drain")),
    Directed(planted.blocks_count_one_way, _of("post", "read", "block", "follow", "drain")),
    Directed(planted.originals_authors_do_not_count, _of("post", "read", "retweet", "mute", "drain")),
    Directed(planted.one_a_root_only_within_a_page, _of("post", "read", "retweet", "drain")),
    Directed(planted.the_unfollowed_are_not_filtered, _of("post", "read", "unfollow", "hear")),
    Directed(planted.followers_are_kept_for_ever, _of("post", "read", "follow", "unfollow", "hear")),
    Directed(planted.counts_are_only_hinted_at, _of("read", change("like", True, fault=FAULTS), "drain")),
    Directed(planted.deletions_leave_the_caches_alone, _of("post", "read", "delete", "drain")),
    Directed(
        planted.changes_go_by_the_clock_alone,
        _of(*(change("follow", on, who=_ONE, fault=st.none()) for on in (True, False))),
    ),
)
