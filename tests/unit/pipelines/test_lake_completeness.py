"""Lanes that are read at different speeds, and what the lake may say of their table."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from eventlog.log import ALL, Entry, Lane, Looked, TopicPartition
from eventlog.schema import EDGES, VIEWS
from pipelines.lake_completeness import LakeCompleteness

HOUR_MS = 3_600_000
NOW_MS = 1_700_000_000_000
AHEAD, SLOW, IDLE = (TopicPartition(VIEWS, partition) for partition in range(3))


def looked(published_ms: Mapping[Lane, int], behind: Collection[Lane] = ()) -> Looked:
    """One entry of each lane, published then."""
    by_lane = {
        lane: [Entry(lane.topic, max(lane.partition, 0), 1, 1, b"", at_ms)]
        for lane, at_ms in published_ms.items()
    }
    return Looked(by_lane, frozenset(behind))


def test_a_partition_with_hours_to_go_holds_its_table_back_and_no_other() -> None:
    complete = LakeCompleteness({})
    edges = TopicPartition(EDGES, 0)
    complete.looked(looked({AHEAD: NOW_MS, SLOW: NOW_MS - 5 * HOUR_MS, edges: NOW_MS}, [SLOW]))
    assert complete.until_ms() == {"views": NOW_MS - 5 * HOUR_MS, "edges": NOW_MS}
    complete.looked(looked({SLOW: NOW_MS - HOUR_MS}, [SLOW]))
    assert complete.until_ms()["views"] == NOW_MS - HOUR_MS
    complete.looked(looked({SLOW: NOW_MS - 1}))
    assert complete.until_ms()["views"] == NOW_MS


def test_a_partition_with_nothing_behind_its_place_does_not_count() -> None:
    complete = LakeCompleteness({})
    complete.looked(looked({IDLE: NOW_MS - 5 * HOUR_MS, AHEAD: NOW_MS}))
    assert complete.until_ms() == {"views": NOW_MS}


def test_a_partition_that_gives_nothing_adds_nothing_to_what_was_said_before() -> None:
    before_ms = {"views": NOW_MS - 2 * HOUR_MS}
    complete = LakeCompleteness(before_ms)
    complete.looked(looked({AHEAD: NOW_MS}, [SLOW]))
    assert complete.until_ms() == before_ms
    assert not complete.is_beyond(before_ms)
    complete.looked(looked({}))
    assert complete.until_ms() == {"views": NOW_MS}
    assert complete.is_beyond(before_ms)


def test_a_log_that_is_read_in_one_order_is_complete_as_far_as_it_was_read() -> None:
    everything = TopicPartition(VIEWS, ALL)
    complete = LakeCompleteness({})
    complete.looked(looked({everything: NOW_MS}, [everything]))
    assert complete.until_ms() == {"views": NOW_MS}


def test_what_had_nothing_yet_says_nothing() -> None:
    complete = LakeCompleteness({})
    complete.looked(looked({}, [SLOW]))
    assert complete.until_ms() == {}
    assert not complete.is_beyond({})
