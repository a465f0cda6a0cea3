"""Handing over while a rebalance begins: a batch is the consumer's, or nobody's."""

from __future__ import annotations

from eventlog.kafka_holdings import Batch, Holdings
from eventlog.log import Entry, TopicPartition

A, B = TopicPartition("t", 0), TopicPartition("t", 1)


def entry(tp: TopicPartition, offset: int) -> Entry:
    return Entry(*tp, offset, key=1, value=b"", published_ms=0)


def holding(*partitions: TopicPartition) -> Holdings:
    holdings = Holdings()
    holdings.take(partitions)
    return holdings


def test_a_batch_is_under_way_until_all_of_it_is_committed() -> None:
    holdings = holding(A, B)
    assert holdings.accept(Batch(holdings.generation, [entry(A, 1), entry(A, 2), entry(B, 5)]))
    assert not holdings.committed({A: 2, B: 6})
    assert holdings.committed({A: 3})
    assert not holdings.begin_revoking()


def test_a_batch_of_an_earlier_generation_is_not_handed_over() -> None:
    holdings = holding(A)
    batch = Batch(holdings.generation, [entry(A, 1)])
    assert not holdings.begin_revoking()
    assert not holdings.accept(batch)
    holdings.let_go()
    holdings.take([A])
    assert not holdings.accept(batch)
    assert holdings.accept(Batch(holdings.generation, [entry(A, 1)]))


def test_what_is_under_way_can_be_committed_until_it_is_let_go() -> None:
    holdings = holding(A, B)
    holdings.accept(Batch(holdings.generation, [entry(A, 1)]))
    assert holdings.begin_revoking()
    assert holdings.still_ours({A: 2}) == {A: 2}
    assert holdings.let_go() == 1
    assert holdings.still_ours({A: 2}) == {}


def test_a_late_commit_does_not_count_even_where_the_partition_came_back() -> None:
    holdings = holding(A, B)
    holdings.accept(Batch(holdings.generation, [entry(A, 1)]))
    holdings.begin_revoking()
    holdings.let_go()
    holdings.take([A, B])
    # The group may have moved on meanwhile; B was not under way.
    assert holdings.still_ours({A: 2, B: 4}) == {B: 4}
    holdings.accept(Batch(holdings.generation, [entry(A, 1)]))
    assert holdings.still_ours({A: 2}) == {A: 2}


def test_a_lost_connection_makes_everything_under_way_come_again() -> None:
    holdings = holding(A)
    before = Batch(holdings.generation, [entry(A, 2)])
    holdings.accept(Batch(holdings.generation, [entry(A, 1)]))
    holdings.start_anew()
    assert not holdings.accept(before)
    assert holdings.still_ours({A: 2}) == {}
