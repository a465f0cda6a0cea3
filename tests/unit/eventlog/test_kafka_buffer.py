"""Every partition has its share of a batch, in its own order, and none waits for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from eventlog.kafka_buffer import FetchBuffer
from eventlog.log import Entry, TopicPartition


def entries(partition: int, count: int) -> list[Entry]:
    return [Entry("t", partition, offset, 1, b"", 0) for offset in range(count)]


@given(counts=st.lists(st.integers(0, 30), max_size=6), limits=st.lists(st.integers(1, 12), min_size=1))
def test_nothing_is_lost_reordered_or_starved(counts: list[int], limits: list[int]) -> None:
    buffer = FetchBuffer()
    for partition, count in enumerate(counts):
        if count:
            buffer.add(TopicPartition("t", partition), entries(partition, count))
    taken: list[Entry] = []
    turn = 0
    while buffer.waiting(()):
        limit = limits[turn % len(limits)]
        waiting = sum(buffer.first(TopicPartition("t", p)) is not None for p in range(len(counts)))
        batch = buffer.take(limit)
        assert 0 < len(batch) <= limit
        assert len({entry.partition for entry in batch}) >= min(waiting, limit)
        taken += batch
        turn += 1
    for partition, count in enumerate(counts):
        assert [one for one in taken if one.partition == partition] == entries(partition, count)


def test_the_first_entry_that_waits_is_told() -> None:
    buffer = FetchBuffer()
    tp = TopicPartition("t", 0)
    assert buffer.first(tp) is None
    buffer.add(tp, entries(0, 3))
    buffer.take(2)
    first = buffer.first(tp)
    assert first is not None
    assert first.offset == 2
    buffer.clear()
    assert buffer.waiting(()) == 0
