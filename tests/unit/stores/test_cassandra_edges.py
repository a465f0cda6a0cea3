"""What a write to an edge changed, from what was read before it and after it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stores.buckets import BUCKETS, bucket_of
from stores.cassandra.edges import FOLLOWS, LIKES, has_changed
from stores.cassandra.fact import EdgeVersions
from stores.cassandra.months import month_of


@pytest.mark.parametrize(
    ("before", "after", "on", "ver", "changed"),
    [
        ((0, 0), (5, 0), True, 5, True),
        ((0, 0), (0, 5), False, 5, False),
        ((3, 0), (5, 0), True, 5, False),
        ((3, 0), (3, 5), False, 5, True),
        ((1, 3), (5, 3), True, 5, True),
        # A removal with a lower version arrived in between.
        ((3, 0), (5, 4), True, 5, True),
        ((0, 0), (4, 5), False, 5, True),
        # What is higher came later and is no state before.
        ((0, 0), (5, 9), True, 5, True),
        ((3, 0), (5, 9), True, 5, False),
    ],
)
def test_a_change_is_judged_by_what_came_before_it(
    before: tuple[int, int], after: tuple[int, int], on: bool, ver: int, changed: bool
) -> None:
    assert has_changed(EdgeVersions(*before), EdgeVersions(*after), on=on, ver=ver) is changed


@given(st.lists(st.booleans(), min_size=1, max_size=8))
def test_of_writes_in_turn_those_are_changes_that_differ_from_the_last(states: list[bool]) -> None:
    row, former = EdgeVersions(), False
    for ver, on in enumerate(states, start=1):
        before = row
        row = row._replace(on=ver) if on else row._replace(off=ver)
        assert has_changed(before, row, on=on, ver=ver) is (on != former)
        assert row.is_on is on
        former = on


def test_both_directions_of_an_edge_have_their_keys() -> None:
    assert FOLLOWS.state.key(1, 2) == (1, 2)
    assert FOLLOWS.tables[1].key(1, 2) == (2, bucket_of(1), 1)
    assert LIKES.state.key(1, 2) == (2, bucket_of(1), 1)
    assert LIKES.tables[1].key(1, 2) == (1, month_of(2), 2)
    assert {bucket_of(key) for key in range(500)} == set(range(BUCKETS))


def test_a_month_is_that_of_the_id() -> None:
    assert month_of(0) == month_of(1) == 201011
    assert month_of(2**63 - 1) == 208007
